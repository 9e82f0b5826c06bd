package dev.gossamer.daemon.ui;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gossamer.daemon.admin.FailureKind;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What each request is answered.
 *
 * <pre>
 *  GET    /, /page.css, ...     the page's files, to everybody on this machine: there is nothing in them
 *  POST   /session {token}      the token, once, for a cookie and a key
 *  DELETE /session              ends it, and this program
 *  ...    /v1/...               the daemon's API, as far as {@link UiForward} lets it, with cookie and key
 * </pre>
 */
final class UiPages {
    /** The page's half of the secret. */
    static final String KEY = "X-Gossamer-Key";

    private static final int BAD_REQUEST = 400;
    private static final int UNAUTHORIZED = 401;
    private static final int NOT_FOUND = 404;
    private static final int METHOD_NOT_ALLOWED = 405;
    private static final int UNSUPPORTED = 415;

    private final UiGate gate;
    private final UiSession session;
    private final UiForward daemon;
    private final String cookieName;
    private final UiFiles files = new UiFiles();
    private final JsonMapper json = new JsonMapper();

    /** @param port tells the cookies of two of these programs apart */
    UiPages(int port, UiSession session, UiForward daemon) {
        this.gate = new UiGate(port);
        this.session = session;
        this.daemon = daemon;
        this.cookieName = "gossamer-" + port;
    }

    /** Never completes exceptionally. Takes from the request what it needs before it returns. */
    CompletableFuture<UiAnswer> answer(FullHttpRequest request) {
        if (!request.decoderResult().isSuccess() || !request.uri().startsWith("/")) {
            return now(UiAnswer.refusal(BAD_REQUEST, FailureKind.FAILED, "this is no HTTP request"));
        }
        String refusal = gate.refusal(request);
        if (refusal != null) {
            return now(forbidden(refusal));
        }
        String method = request.method().name();
        String path = request.uri();
        boolean ofTheApi = path.startsWith("/v1/");
        if (!ofTheApi && !path.equals("/session")) {
            return now(file(method, path));
        }
        if (method.equals("POST") || method.equals("PATCH")) {
            String type = request.headers().get(HttpHeaderNames.CONTENT_TYPE, "");
            if (!type.equals("application/json")) {
                return now(UiAnswer.refusal(UNSUPPORTED, FailureKind.FAILED, "a change is sent as application/json"));
            }
        }
        String body = request.content().toString(StandardCharsets.UTF_8);
        if (method.equals("POST") && !ofTheApi) {
            return now(open(body));
        }
        if (!session.admits(cookie(request.headers()), request.headers().get(KEY))) {
            return now(UiAnswer.refusal(
                    UNAUTHORIZED,
                    FailureKind.NOT_ALLOWED,
                    "this window has no session here; run 'gossamer ui' and open the address that it prints"));
        }
        return ofTheApi ? daemon.ask(method, path, body) : now(end(method));
    }

    private UiAnswer file(String method, String path) {
        UiAnswer file = files.get(path);
        if (file == null) {
            return UiAnswer.refusal(NOT_FOUND, FailureKind.NOT_THERE, "there is no such file");
        }
        return method.equals("GET") ? file : wrongMethod();
    }

    private UiAnswer open(String body) {
        JsonNode token;
        try {
            token = json.readTree(body).path("token");
        } catch (JsonProcessingException e) {
            return UiAnswer.refusal(BAD_REQUEST, FailureKind.FAILED, "the request is no JSON");
        }
        UiSession.Secrets secrets = session.open(token.asText());
        if (secrets == null) {
            return forbidden(
                    session.isOpened()
                            ? "this address has been used, and works once; run 'gossamer ui' again for a new one"
                            : "this is not the address that 'gossamer ui' printed, or it is too old");
        }
        return UiAnswer.json(
                200,
                JsonNodeFactory.instance.objectNode().put("key", secrets.key()),
                cookieName + "=" + secrets.cookie() + "; Path=/; HttpOnly; SameSite=Strict");
    }

    private UiAnswer end(String method) {
        if (!method.equals("DELETE")) {
            return wrongMethod();
        }
        session.end();
        return UiAnswer.json(200, JsonNodeFactory.instance.objectNode(), cookieName + "=; Path=/; Max-Age=0; HttpOnly");
    }

    /** The value of our cookie; null if there is none, or more than one. */
    private String cookie(HttpHeaders headers) {
        String found = null;
        for (String header : headers.getAll(HttpHeaderNames.COOKIE)) {
            for (String cookie : List.of(header.split(";", -1))) {
                if (cookie.strip().startsWith(cookieName + "=")) {
                    if (found != null) {
                        return null;
                    }
                    found = cookie.strip().substring(cookieName.length() + 1);
                }
            }
        }
        return found;
    }

    private static UiAnswer wrongMethod() {
        return UiAnswer.refusal(METHOD_NOT_ALLOWED, FailureKind.FAILED, "this method does not apply here");
    }

    private static UiAnswer forbidden(String why) {
        return UiAnswer.refusal(UiAnswer.FORBIDDEN, FailureKind.NOT_ALLOWED, why);
    }

    private static CompletableFuture<UiAnswer> now(UiAnswer answer) {
        return CompletableFuture.completedFuture(answer);
    }
}
