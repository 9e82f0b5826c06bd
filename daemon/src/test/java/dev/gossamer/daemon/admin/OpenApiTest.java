package dev.gossamer.daemon.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.access.AccessRights;
import dev.gossamer.daemon.server.access.ClientLog;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.ring.IoEngineChoice;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code openapi.yaml} of the distribution says what the server does, both ways. */
@Timeout(60)
class OpenApiTest {
    private static final Path FILE = Path.of("../deploy/src/dist/share/doc/openapi.yaml");
    private static final String UNKNOWN = "unknown field; known are ";

    @TempDir
    private Path directory;

    private final JsonNode api;

    OpenApiTest() throws IOException {
        api = new YAMLMapper().readTree(FILE.toFile());
    }

    /** One method of one path. */
    private record Operation(String method, String path, JsonNode described) {
        @Override
        public String toString() {
            return method + " " + path;
        }

        /** With names of what there is in the places. */
        String uri() {
            return path.replace("{name}", "web")
                    .replace("{id}", "1")
                    .replace("{export}", "disk")
                    .replace("{uuid}", "00000000-0000-0000-0000-000000000000");
        }
    }

    private List<Operation> operations() {
        List<Operation> all = new ArrayList<>();
        for (Map.Entry<String, JsonNode> path : api.path("paths").properties()) {
            for (Map.Entry<String, JsonNode> method : path.getValue().properties()) {
                if (!method.getKey().equals("parameters")) {
                    all.add(new Operation(method.getKey().toUpperCase(Locale.ROOT), path.getKey(), method.getValue()));
                }
            }
        }
        return all;
    }

    private static Set<String> names(JsonNode object) {
        Set<String> names = new TreeSet<>();
        for (Iterator<String> each = object.fieldNames(); each.hasNext(); ) {
            names.add(each.next());
        }
        return names;
    }

    private JsonNode resolve(String reference) {
        return api.at(reference.substring(1));
    }

    @Test
    void everyRouteIsDescribedAndNoOther() {
        Set<String> served = new TreeSet<>();
        new AdminApi(null, null, new ClientLog())
                .routes()
                .all()
                .forEach(route -> assertTrue(
                        served.add(route.method() + " " + route.path() + route.parameters()), "twice: " + route));
        Set<String> described = new TreeSet<>();
        operations()
                .forEach(operation -> described.add(operation.toString()
                        + operation.described().path("parameters").findValuesAsText("name")));
        assertEquals(served, described);
        assertTrue(served.size() > 40);
    }

    /** A mistaken one would be left out without a word, and {@code ?forec=true} do less than was meant. */
    @Test
    void whatIsNoParameterOfARouteIsRefused() {
        AdminApi server = new AdminApi(null, null, new ClientLog());
        AdminCaller caller = new AdminCaller("uid:0", true, AccessRights.READ_WRITE);
        for (Operation operation : operations()) {
            AdminResponse answer = server.handle(operation.method(), operation.uri() + "?forec=true", "{}", caller)
                    .join();
            assertEquals(400, answer.status(), operation::toString);
        }
    }

    @Test
    void everyReferenceLeadsSomewhereAndEveryNameIsGivenOnce() {
        Set<String> ids = new HashSet<>();
        for (Operation operation : operations()) {
            assertTrue(ids.add(operation.described().path("operationId").asText()), operation::toString);
            assertFalse(operation.described().path("summary").asText().isBlank(), operation::toString);
            assertTrue(operation.described().path("responses").has("default"), operation::toString);
        }
        for (JsonNode reference : api.findValues("$ref")) {
            assertFalse(resolve(reference.asText()).isMissingNode(), reference::asText);
        }
        for (Map.Entry<String, JsonNode> kind : api.path("components").properties()) {
            for (String name : names(kind.getValue())) {
                String pointer = "#/components/" + kind.getKey() + "/" + name;
                assertTrue(api.findValuesAsText("$ref").contains(pointer), () -> "nobody names " + pointer);
            }
        }
    }

    private interface Use {
        void of(AdminClient client) throws IOException;
    }

    private void serve(Use use) throws IOException {
        PoolDirectory pool = new PoolDirectory(directory.resolve("pool"));
        PoolCreation.createInFiles(pool, 64 << 20, 64 << 10, true);
        Daemon daemon = Daemon.start(new DaemonConfig(
                pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF));
        try {
            AdminClient client = new AdminClient(pool.adminSocket());
            client.send("PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}");
            use.of(client);
        } finally {
            daemon.stop();
        }
    }

    private static JsonNode json(AdminClient.Answer answer) throws IOException {
        return new JsonMapper().readTree(answer.body());
    }

    /** The server is asked with a field that nobody knows, and says which it does. */
    @Test
    void theFieldsOfEveryBodyAreThoseThatAreTaken() throws IOException {
        serve(client -> {
            for (Operation operation : operations()) {
                if (operation.method().equals("GET") || operation.method().equals("DELETE")) {
                    continue;
                }
                String reference =
                        operation.described().path("requestBody").path("$ref").asText();
                if (reference.isEmpty()) {
                    continue;
                }
                String said = json(client.send(operation.method(), operation.uri(), "{\"none such\":1}"))
                        .path("error")
                        .asText();
                assertTrue(said.startsWith(UNKNOWN), operation + ": " + said);
                JsonNode schema = resolve(reference).at("/content/application~1json/schema");
                assertEquals(
                        new TreeSet<>(Set.of(said.substring(UNKNOWN.length()).split(", ", -1))),
                        names(schema.path("properties")),
                        operation::toString);
                for (JsonNode required : schema.path("required")) {
                    assertTrue(schema.path("properties").has(required.asText()), operation::toString);
                }
            }
        });
    }

    @Test
    void theFieldsOfAnswersAreThoseThatAreDescribed() throws IOException {
        serve(client -> {
            client.send("POST", "/v1/dedupe", "{}");
            Map<String, String> paths = Map.of(
                    "Status", "/v1/status",
                    "Volume", "/v1/volumes/web",
                    "VolumePage", "/v1/volume-page",
                    "Space", "/v1/volumes/web/space",
                    "Capacity", "/v1/capacity",
                    "Job", "/v1/jobs/1",
                    "Error", "/v1/volumes/none");
            for (Map.Entry<String, String> path : paths.entrySet()) {
                JsonNode schema = resolve("#/components/schemas/" + path.getKey());
                JsonNode answer = json(client.send("GET", path.getValue(), ""));
                assertEquals(names(schema.path("properties")), names(answer), path::getKey);
                for (String field : names(answer)) {
                    assertType(schema.path("properties").path(field).path("type"), answer.path(field), field);
                }
            }
        });
    }

    private static void assertType(JsonNode type, JsonNode value, String field) {
        String is = value.isNull()
                ? "null"
                : value.isIntegralNumber()
                        ? "integer"
                        : value.getNodeType().toString().toLowerCase(Locale.ROOT);
        Set<String> may = new TreeSet<>();
        if (type.isTextual()) {
            may.add(type.asText());
        }
        type.forEach(each -> may.add(each.asText()));
        assertTrue(may.contains(is), () -> field + " is " + is + ", and may be " + may);
    }

    @Test
    void whatIsNotDescribedIsRefused() throws IOException {
        Set<String> described = new HashSet<>();
        operations().forEach(operation -> described.add(operation.toString()));
        serve(client -> {
            for (Operation operation : operations()) {
                for (String method : List.of("GET", "POST", "PUT", "PATCH", "DELETE")) {
                    if (!described.contains(method + " " + operation.path())) {
                        AdminClient.Answer answer = client.send(method, operation.uri(), "{}");
                        assertEquals(405, answer.status(), method + " " + operation.path());
                        assertTrue(answer.body().contains(operation.method()), answer::body);
                    }
                }
            }
            assertEquals(404, client.send("GET", "/v1/nothing", "").status());
            assertEquals(404, client.send("GET", "/v1/volumes/web/none", "").status());
        });
    }
}
