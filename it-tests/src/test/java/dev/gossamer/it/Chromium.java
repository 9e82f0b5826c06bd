package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A headless Chromium with one window, moved by its DevTools protocol over a WebSocket on loopback: real mouse and key
 * events, so that what covers a button, or cannot have the focus, is found.
 */
final class Chromium implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 60;
    private static final Pattern LISTENING = Pattern.compile("DevTools listening on (ws://127\\.0\\.0\\.1:\\S+)");

    private final Process process;
    private final HttpClient http = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
    private String window;

    /** Addresses that the page has asked for. */
    final List<String> requested = new CopyOnWriteArrayList<>();

    /** What the page has thrown, and what the browser has complained of. */
    final List<String> complaints = new CopyOnWriteArrayList<>();

    private Chromium(Process process, String address) {
        this.process = process;
        this.socket = http.newWebSocketBuilder()
                .buildAsync(URI.create(address), new Messages())
                .join();
    }

    /** Starts one with an empty profile, or skips the test: Debian's package is large, and not to be had everywhere. */
    static Chromium start(Path scratch) throws IOException, InterruptedException {
        boolean here = Stream.of(System.getenv("PATH").split(":", -1))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, "chromium")));
        assumeTrue(here, "Debian's package chromium is not here; ./test installs it where it can be had");
        Path log = scratch.resolve("chromium.log");
        ProcessBuilder builder = new ProcessBuilder(
                "chromium",
                "--headless=new",
                "--no-sandbox", // tests may run as root, and the only pages are our own
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-extensions",
                "--no-first-run",
                "--remote-debugging-port=0",
                "--user-data-dir=" + scratch.resolve("profile"),
                "about:blank");
        builder.environment().put("HOME", scratch.toString());
        builder.redirectErrorStream(true).redirectOutput(log.toFile());
        Process process = builder.start();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (process.isAlive() && System.nanoTime() < end) {
            Matcher listening = LISTENING.matcher(Files.readString(log));
            if (listening.find()) {
                Chromium browser = new Chromium(process, listening.group(1));
                browser.openWindow();
                return browser;
            }
            Thread.sleep(50);
        }
        Tool.end(process);
        return fail("no Chromium: " + Files.readString(log));
    }

    private void openWindow() {
        String target = call("Target.createTarget", object().put("url", "about:blank"))
                .path("targetId")
                .asText();
        window = call("Target.attachToTarget", object().put("targetId", target).put("flatten", true))
                .path("sessionId")
                .asText();
        for (String domain : List.of("Page", "Runtime", "Network", "Log")) {
            call(domain + ".enable", object());
        }
        view(1280, 900, false);
    }

    static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /** Answers and events, each in one or more pieces. */
    private final class Messages implements WebSocket.Listener {
        private final StringBuilder text = new StringBuilder();
        private final JsonMapper json = new JsonMapper();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence piece, boolean last) {
            text.append(piece);
            if (last) {
                try {
                    message(json.readTree(text.toString()));
                } catch (IOException e) {
                    complaints.add(e.toString());
                }
                text.setLength(0);
            }
            from.request(1);
            return null;
        }

        private void message(JsonNode message) {
            JsonNode content = message.path("params");
            if (message.has("id")) {
                waiting.remove(message.path("id").asInt()).complete(message);
            } else if (message.path("method").asText().equals("Network.requestWillBeSent")) {
                requested.add(content.path("request").path("url").asText());
            } else if (message.path("method").asText().equals("Runtime.exceptionThrown")) {
                complaints.add(content.path("exceptionDetails").toString());
            } else if (message.path("method").asText().equals("Log.entryAdded")) {
                complaints.add(content.path("entry").path("text").asText() + " "
                        + content.path("entry").path("url").asText());
            }
        }
    }

    JsonNode call(String method, ObjectNode params) {
        int id = ids.incrementAndGet();
        ObjectNode request = object().put("id", id).put("method", method);
        request.set("params", params);
        if (window != null) {
            request.put("sessionId", window);
        }
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        waiting.put(id, answer);
        socket.sendText(request.toString(), true).join();
        JsonNode message = answer.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
        assertTrue(message.has("result"), () -> method + ": " + message);
        return message.path("result");
    }

    /** Opens an address in the window, in place of what was there. */
    void open(String address) {
        // What differs behind the number sign alone would not be loaded.
        call("Page.navigate", object().put("url", "about:blank"));
        call("Page.navigate", object().put("url", address));
    }

    void view(int width, int height, boolean mobile) {
        call(
                "Emulation.setDeviceMetricsOverride",
                object().put("width", width)
                        .put("height", height)
                        .put("deviceScaleFactor", 1)
                        .put("mobile", mobile));
    }

    void prefer(String scheme) {
        ObjectNode media = object();
        media.putArray("features")
                .addObject()
                .put("name", "prefers-color-scheme")
                .put("value", scheme);
        call("Emulation.setEmulatedMedia", media);
    }

    /** The value of an expression, which may be a promise. */
    JsonNode evaluate(String expression) {
        JsonNode answer = call(
                "Runtime.evaluate",
                object().put("expression", expression).put("awaitPromise", true).put("returnByValue", true));
        assertTrue(!answer.has("exceptionDetails"), () -> expression + ": " + answer);
        return answer.path("result").path("value");
    }

    /** Waits until an expression is true. */
    void await(String expression) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        // While a page is loaded its elements are not there yet.
        String asked = "(() => { try { return !!(" + expression + "); } catch { return false; } })()";
        while (!evaluate(asked).asBoolean()) {
            if (System.nanoTime() > end) {
                fail("never: " + expression + "\n" + complaints + "\n"
                        + evaluate("document.body.innerText").asText());
            }
            Thread.sleep(30);
        }
    }

    /** Clicks on an element that can be seen; if the page moved it away under the mouse, again. */
    void click(String selector) throws InterruptedException {
        String find = "document.querySelector(" + quoted(selector) + ")";
        for (int attempt = 0; attempt < 10; attempt++) {
            await(find + " && !" + find + ".disabled && " + find + ".getClientRects().length > 0");
            JsonNode at = evaluate("(() => { const e = " + find + "; e.scrollIntoView({block: 'center'}); hit = false;"
                    + " e.addEventListener('click', () => { hit = true; }, {once: true, capture: true});"
                    + " const r = e.getBoundingClientRect(); const x = r.x + r.width / 2; const y = r.y + r.height / 2;"
                    + " const top = document.elementFromPoint(x, y);"
                    + " return {x, y, seen: e === top || e.contains(top)}; })()");
            if (at.path("seen").asBoolean() && pressed(at)) {
                return;
            }
        }
        fail(selector + " is covered");
    }

    private boolean pressed(JsonNode at) {
        for (String kind : List.of("mousePressed", "mouseReleased")) {
            call(
                    "Input.dispatchMouseEvent",
                    object().put("type", kind)
                            .put("x", at.path("x").asDouble())
                            .put("y", at.path("y").asDouble())
                            .put("button", "left")
                            .put("clickCount", 1));
        }
        return evaluate("hit").asBoolean();
    }

    /** Types into what has the focus, in place of what is there. */
    void type(String text) {
        evaluate("document.activeElement.select()");
        call("Input.insertText", object().put("text", text));
    }

    /** Presses a key that is no letter: Tab, Enter, Escape. */
    void press(String key) {
        int code = Map.of("Tab", 9, "Enter", 13, "Escape", 27).get(key);
        ObjectNode down = object().put("type", "keyDown").put("key", key).put("code", key);
        down.put("windowsVirtualKeyCode", code);
        if (key.equals("Enter")) {
            down.put("text", "\r");
        }
        call("Input.dispatchKeyEvent", down);
        call("Input.dispatchKeyEvent", down.deepCopy().put("type", "keyUp"));
    }

    static String quoted(String text) {
        return JsonNodeFactory.instance.textNode(text).toString();
    }

    /** Keeps a picture of the whole page. */
    void screenshot(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        String picture = call(
                        "Page.captureScreenshot", object().put("format", "png").put("captureBeyondViewport", true))
                .path("data")
                .asText();
        Files.write(file, Base64.getDecoder().decode(picture));
    }

    @Override
    public void close() {
        socket.abort();
        http.close();
        try {
            Tool.end(process);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
