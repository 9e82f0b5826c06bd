package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.io.ring.IoEngineChoice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Prometheus' own tool judges what we tell it, and our alerts and board name nothing that we do not tell. */
@Timeout(120)
final class MonitoringTest {
    private static final Pattern OUR_METRIC = Pattern.compile("\\bgossamer_[a-z_]+");

    @TempDir
    private Path scratch;

    private static Path share(String name) {
        return Path.of(System.getProperty("gossamer.root"), "deploy/src/dist/share", name)
                .normalize();
    }

    private static String promtool() {
        Path unpacked = Path.of(System.getProperty("gossamer.root"), "target/tools/usr/bin/promtool");
        String found = Stream.concat(
                        Stream.of(unpacked),
                        Stream.of(System.getenv("PATH").split(":", -1))
                                .map(directory -> Path.of(directory, "promtool")))
                .filter(Files::isExecutable)
                .map(Path::toString)
                .findFirst()
                .orElse("");
        assumeTrue(!found.isEmpty(), "promtool, of Debian's package prometheus, is not here; ./test fetches it");
        return found;
    }

    private static Daemon serve(PoolDirectory pool) throws IOException {
        return Daemon.start(new DaemonConfig(
                pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF));
    }

    private static String ask(PoolDirectory pool, String method, String path, String body) throws IOException {
        AdminClient.Answer answer = new AdminClient(pool.adminSocket()).send(method, path, body);
        assertTrue(answer.isSuccess(), answer::body);
        return answer.body();
    }

    /** Of a pool with a volume, on devices of another daemon. */
    private String scrape() throws IOException {
        PoolDirectory below = new PoolDirectory(scratch.resolve("below"));
        PoolDirectory above = new PoolDirectory(scratch.resolve("above"));
        PoolCreation.createInFiles(below, 256 << 20, 64 << 10, true);
        Daemon lower = serve(below);
        try {
            ask(below, "PUT", "/v1/volumes/data", "{\"sizeBytes\":67108864}");
            ask(below, "PUT", "/v1/volumes/meta", "{\"sizeBytes\":16777216}");
            String uri = "nbd+unix:///%s?socket=" + below.nbdSocket();
            PoolCreation.createOnDevices(
                    above, new PoolConfig(uri.formatted("meta"), uri.formatted("data"), true), 64 << 10);
            Daemon upper = serve(above);
            try {
                ask(above, "PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}");
                return ask(above, "GET", "/metrics", "");
            } finally {
                upper.stop();
            }
        } finally {
            lower.stop();
        }
    }

    private static Set<String> families(String metrics) {
        return metrics.lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.split("[{ ]", 2)[0])
                .collect(Collectors.toSet());
    }

    private static List<String> expressions(Path board) throws IOException {
        List<String> expressions = new ArrayList<>();
        for (JsonNode panel : new JsonMapper().readTree(board.toFile()).path("panels")) {
            panel.path("targets")
                    .forEach(target -> expressions.add(target.path("expr").asText()));
        }
        return expressions;
    }

    @Test
    void whatAlertsAndBoardNameIsInAScrape() throws IOException {
        Set<String> told = families(scrape());
        String rules = Files.readString(share("prometheus/gossamer.rules.yml"));
        String text = rules + String.join("\n", expressions(share("grafana/gossamer.json")));
        Set<String> named = new TreeSet<>();
        for (Matcher matcher = OUR_METRIC.matcher(text); matcher.find(); ) {
            named.add(matcher.group());
        }
        assertTrue(named.size() > 20, named::toString);
        named.removeAll(told);
        assertEquals(Set.of(), named, () -> "told are " + new TreeSet<>(told));
    }

    @Test
    void promtoolHasNothingToSayOfAScrape() throws Exception {
        String tool = promtool();
        Path file = scratch.resolve("scrape.txt");
        Files.writeString(file, scrape());
        Tool.Result result = Tool.succeed("sh", "-c", "'" + tool + "' check metrics <'" + file + "'");
        assertEquals("", result.out() + result.err());
    }

    @Test
    void alertsFireWhenTheyShouldAndNotBefore() throws Exception {
        String tool = promtool();
        Path tests = Path.of(System.getProperty("gossamer.root"), "it-tests/src/test/resources/prometheus");
        Path rules = share("prometheus/gossamer.rules.yml");
        Files.copy(rules, scratch.resolve("gossamer.rules.yml"));
        Files.copy(tests.resolve("rules-test.yml"), scratch.resolve("rules-test.yml"));
        Tool.succeed(tool, "check", "rules", rules.toString());
        Tool.succeed(tool, "test", "rules", scratch.resolve("rules-test.yml").toString());
    }

    @Test
    void everyAlertHasATestAndACommandToType() throws IOException {
        String rules = Files.readString(share("prometheus/gossamer.rules.yml"));
        String tests = Files.readString(
                Path.of(System.getProperty("gossamer.root"), "it-tests/src/test/resources/prometheus/rules-test.yml"));
        int alerts = 0;
        for (Matcher matcher = Pattern.compile("- alert: (\\w+)").matcher(rules); matcher.find(); alerts++) {
            assertTrue(tests.contains("alertname: " + matcher.group(1)), matcher.group(1));
        }
        assertTrue(alerts >= 10);
        assertEquals(alerts, rules.split("runbook:", -1).length - 1);
    }

    /** As recording rules, since promtool checks expressions nowhere else. */
    @Test
    void everyExpressionOfTheBoardIsOne() throws Exception {
        String tool = promtool();
        StringBuilder rules = new StringBuilder("groups:\n- name: board\n  rules:\n");
        int number = 0;
        for (String expression : expressions(share("grafana/gossamer.json"))) {
            String replaced = expression.replace("$instance", ".*").replace("'", "''");
            rules.append("  - {record: 'board:expression:%d', expr: '%s'}\n".formatted(number++, replaced));
        }
        assertTrue(number >= 8);
        Path file = scratch.resolve("board.yml");
        Files.writeString(file, rules);
        Tool.succeed(tool, "check", "rules", file.toString());
    }
}
