package dev.gossamer.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gossamer.daemon.Daemon;
import dev.gossamer.daemon.PoolCreation;
import dev.gossamer.daemon.admin.AdminClient;
import dev.gossamer.daemon.config.DaemonConfig;
import dev.gossamer.daemon.config.PoolConfig;
import dev.gossamer.daemon.config.PoolDirectory;
import dev.gossamer.daemon.server.access.TlsSettings;
import dev.gossamer.daemon.ui.UiServer;
import dev.gossamer.io.ring.IoEngineChoice;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page of {@code gossamer ui} in a real browser, with a real daemon behind it. Pictures stay in target/page. */
final class PageTest {
    private static final Path PICTURES = Path.of("target", "page");
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    private static Path browserScratch;

    private static Chromium browser;

    @TempDir
    private Path scratch;

    private PoolDirectory pool;
    private Daemon daemon;
    private UiServer ui;

    @BeforeAll
    static void startBrowser() throws IOException, InterruptedException {
        browser = Chromium.start(browserScratch);
    }

    @AfterAll
    static void endBrowser() {
        if (browser != null) {
            browser.close();
        }
    }

    @BeforeEach
    void openThePage() throws IOException {
        pool = new PoolDirectory(scratch.resolve("pool"));
        PoolCreation.createInFiles(pool, 8L << 30, 64 << 10, true);
        serve();
        ui = UiServer.start(pool.adminSocket(), 0);
        browser.complaints.clear();
        browser.requested.clear();
        browser.view(1280, 900, false);
        browser.prefer("light");
    }

    private void serve() throws IOException {
        daemon = Daemon.start(new DaemonConfig(
                pool, PoolConfig.read(pool.config()), List.of(), IoEngineChoice.THREADS, 1, TlsSettings.OFF));
    }

    @AfterEach
    void end() throws IOException {
        if (browser != null) {
            browser.open("about:blank");
        }
        ui.close();
        daemon.stop();
    }

    private JsonNode ask(String method, String path, String body) throws IOException {
        AdminClient.Answer answer = new AdminClient(pool.adminSocket()).send(method, path, body);
        assertTrue(answer.isSuccess(), answer::body);
        return JSON.readTree(answer.body());
    }

    private static String row(String volume) {
        return "[...document.querySelectorAll('#rows tr')].find(r => r.querySelector('th span')?.textContent === "
                + Chromium.quoted(volume) + ")";
    }

    private static String button(String verb, String volume) {
        return "button[aria-label=" + Chromium.quoted(verb + " " + volume) + "]";
    }

    private static void awaitDone(String words) throws InterruptedException {
        browser.await("document.getElementById('done').textContent.includes(" + Chromium.quoted(words) + ")");
    }

    /** Space of a volume that was deleted before its turn came cannot be counted, which the browser notes. */
    private static void assertNoComplaints() {
        assertEquals(
                List.of(),
                browser.complaints.stream()
                        .filter(complaint -> !complaint.matches(".*status of 404 .*/v1/volumes/[\\w-]+/space"))
                        .toList());
    }

    @Test
    void everythingCanBeDoneByClicks() throws Exception {
        browser.open(ui.address());
        browser.click("#create");
        browser.type("web");
        browser.click("#dialog label:nth-of-type(2) input");
        browser.type("16M");
        browser.click("#dialog button.main");
        awaitDone("Created web.");
        browser.await(row("web"));
        assertEquals(
                16 << 20, ask("GET", "/v1/volumes/web", "").path("sizeBytes").asInt());

        browser.click(button("Snapshot", "web"));
        browser.await("document.activeElement.value.startsWith('web-')");
        browser.type("monday");
        browser.click("#dialog button.main");
        awaitDone("Took monday");
        browser.click("button[aria-label='1 snapshots of web']");
        browser.await(row("monday"));

        browser.click(button("Grow", "web"));
        browser.type("8M");
        browser.click("#dialog button.main");
        browser.await("document.querySelector('#dialog .failure').textContent.includes('not more than 16 MiB')");
        browser.evaluate("document.querySelector('#dialog input').focus()");
        browser.type("32M");
        browser.click("#dialog button.main");
        awaitDone("web has 32 MiB now.");
        assertEquals(
                32 << 20, ask("GET", "/v1/volumes/web", "").path("sizeBytes").asInt());

        browser.click(button("Roll back", "monday"));
        browser.await("document.getElementById('dialog').innerText.includes('becomes 16 MiB, from 32 MiB')");
        assertEquals(
                32 << 20, ask("GET", "/v1/volumes/web", "").path("sizeBytes").asInt(), "only shown so far");
        browser.screenshot(PICTURES.resolve("rollback.png"));
        browser.click("#dialog button.main");
        awaitDone("what it held is kept as web-replaced-1");
        assertEquals(
                16 << 20, ask("GET", "/v1/volumes/web", "").path("sizeBytes").asInt());

        browser.click(button("Delete", "monday"));
        browser.await("document.getElementById('dialog').innerText.includes('would be freed')");
        assertEquals(3, ask("GET", "/v1/volumes", "").size(), "only shown so far");
        browser.click("#dialog button.danger");
        awaitDone("Deleted monday.");
        browser.await("!" + row("monday"));
        assertEquals(2, ask("GET", "/v1/volumes", "").size());
        assertNoComplaints();
    }

    @Test
    void theAddressIsUsedUpAndNothingComesFromElsewhere() throws Exception {
        browser.open(ui.address());
        browser.await("document.querySelectorAll('#facts > div').length === 8");
        assertEquals(
                "http://127.0.0.1:" + ui.port() + "/",
                browser.evaluate("location.href").asText());
        assertEquals("", browser.evaluate("document.cookie").asText(), "no script can read it");
        for (String address : browser.requested) {
            assertTrue(
                    address.startsWith("http://127.0.0.1:" + ui.port() + "/") || address.equals("about:blank"),
                    address);
        }
        assertNoComplaints();
        browser.evaluate("sessionStorage.clear()");
        browser.open(ui.address());
        browser.await("document.getElementById('trouble').textContent.includes('works once')");
        assertTrue(browser.evaluate("document.getElementById('content').hidden").asBoolean());
    }

    @Test
    void aDaemonThatGoesIsToldAndComesBack() throws Exception {
        ask("PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}");
        browser.open(ui.address());
        browser.await(row("web"));
        daemon.stop();
        browser.await("document.getElementById('trouble').textContent.includes('no daemon serves the pool')");
        serve();
        browser.await("document.getElementById('trouble').textContent === ''");
        browser.await(row("web"));
        browser.click("#leave");
        browser.await("document.getElementById('trouble').textContent.includes('has ended')");
        assertTrue(ui.isOver());
    }

    @Test
    void tenThousandVolumesAreFoundAndSeenInParts() throws Exception {
        ask("POST", "/v1/pool/grow", "{\"metadataBytes\":67108864}");
        ask("PUT", "/v1/volumes/golden", "{\"sizeBytes\":1048576}");
        List<String> names = new ArrayList<>();
        while (names.size() < 60) {
            names.add("vm%05d".formatted(names.size()));
            ask("POST", "/v1/volumes/golden/snapshots", "{\"name\":\"" + names.getLast() + "\"}");
        }
        while (names.size() < 10_000) {
            takeGroup(names, Math.min(1000, 10_000 - names.size()));
        }
        browser.open(ui.address());
        browser.click("button[aria-label='60 snapshots of golden']");
        browser.await(row("vm00049"));
        browser.await("document.getElementById('rows').innerText.includes('and 10 more snapshots of golden')");
        browser.click("#search");
        browser.type("vm0777");
        browser.await(row("vm07779"));
        assertEquals(
                10,
                browser.evaluate("document.querySelectorAll('#rows tr').length").asInt());
        browser.type("vm");
        browser.await("document.getElementById('where').textContent === '1 to 50 of 10000'");
        browser.click("#next");
        browser.await(row("vm00099"));
        assertTrue(browser.evaluate("document.getElementsByTagName('*').length").asInt() < 2500, "bounded");
        assertNoComplaints();
    }

    /** The program as it is installed, with all files of the page, and ended as a service manager ends it. */
    @Test
    void theCommandPrintsAnAddressThatOpensThePage() throws Exception {
        String gossamer =
                Path.of(System.getProperty("gossamer.home"), "bin", "gossamer").toString();
        Process command = new ProcessBuilder(gossamer, "ui", "-p", pool.toString(), "--json")
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            String line = command.inputReader(StandardCharsets.UTF_8).readLine();
            browser.open(JSON.readTree(line).path("address").asText());
            browser.await("document.querySelectorAll('#facts > div').length === 8");
            assertNoComplaints();
            browser.open("about:blank");
            command.destroy();
            assertEquals(0, command.waitFor());
        } finally {
            Tool.end(command);
        }
        String taken = Integer.toString(ui.port());
        Tool.Result refused = Tool.run(gossamer, "ui", "-p", pool.toString(), "--port", taken);
        refused.expectStatus(6);
        assertEquals(1, refused.errorLines().size(), refused::toString);
        assertTrue(refused.err().contains("cannot listen on 127.0.0.1:" + taken), refused::toString);
        Tool.run(gossamer, "ui", "-p", scratch.resolve("none").toString()).expectStatus(8);
    }

    /** Snapshots of the first so many, or of all, each of another origin. */
    private void takeGroup(List<String> names, int most) throws IOException {
        ObjectNode body = JSON.createObjectNode();
        for (String origin : List.copyOf(names.subList(0, Math.min(most, names.size())))) {
            names.add("vm%05d".formatted(names.size()));
            body.withArray("snapshots").addObject().put("origin", origin).put("name", names.getLast());
        }
        ask("POST", "/v1/snapshots", body.toString());
    }

    @Test
    void theKeyboardIsEnough() throws Exception {
        ask("PUT", "/v1/volumes/web", "{\"sizeBytes\":1048576}");
        browser.open(ui.address());
        browser.await(row("web"));
        browser.press("Tab");
        assertEquals(
                "Skip to the volumes",
                browser.evaluate("document.activeElement.textContent").asText());
        List<String> order = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            browser.press("Tab");
            order.add(browser.evaluate(
                            "document.activeElement.getAttribute('aria-label') ||" + " document.activeElement.id")
                    .asText());
        }
        assertEquals(
                List.of("leave", "search", "sort", "create", "Snapshot web", "Grow web", "Delete web"),
                order.subList(0, 7));
        browser.evaluate("document.getElementById('create').focus()");
        browser.press("Enter");
        browser.await("document.getElementById('dialog').open && document.activeElement.tagName === 'INPUT'");
        browser.press("Escape");
        browser.await("!document.getElementById('dialog').open");
        assertEquals("create", browser.evaluate("document.activeElement.id").asText(), "the focus is back");
        browser.press("Enter");
        browser.await("document.activeElement.tagName === 'INPUT'");
        browser.type("db");
        browser.press("Tab");
        browser.type("1M");
        browser.press("Enter");
        awaitDone("Created db.");
        browser.await(row("db"));
        assertNoComplaints();
    }

    /** Names of volumes are letters and digits; what others chose freely is shown, too. */
    @Test
    void whatOthersHaveNamedIsTextWhateverItLooksLike() throws Exception {
        Path origin = Files.write(scratch.resolve("<img src=x onerror=alert(1)>&amp;\"'"), new byte[1 << 20]);
        ObjectNode wanted = JSON.createObjectNode().put("name", "web").put("sizeBytes", 1 << 20);
        ask(
                "POST",
                "/v1/volumes",
                wanted.put("externalOrigin", origin.toString()).toString());
        browser.open(ui.address());
        browser.await(row("web"));
        assertEquals(
                "over " + origin,
                browser.evaluate(row("web") + ".querySelector('.mark').textContent")
                        .asText());
        assertEquals(0, browser.evaluate("document.images.length").asInt());
        assertNoComplaints();
    }

    /** Light and dark, wide and narrow, with a window open and without: axe-core finds nothing. */
    @Test
    void nobodyIsKeptOut() throws Exception {
        ask("PUT", "/v1/volumes/web", "{\"sizeBytes\":1073741824}");
        ask("PUT", "/v1/volumes/db", "{\"sizeBytes\":4194304}");
        ask("POST", "/v1/volumes/web/snapshots", "{\"name\":\"web-monday\",\"readOnly\":true}");
        ask("POST", "/v1/volumes/web-monday/snapshots", "{\"name\":\"web-copy\"}");
        browser.open(ui.address());
        browser.click("button[aria-label='1 snapshots of web']");
        browser.click("button[aria-label='1 snapshots of web-monday']");
        browser.await(row("web-copy"));
        browser.await("![...document.querySelectorAll('#rows td')].some(c => c.textContent === '…')");
        String axe;
        try (InputStream script = PageTest.class.getResourceAsStream("/axe.min.js")) {
            axe = new String(script.readAllBytes(), StandardCharsets.UTF_8);
        }
        browser.evaluate(axe + "; true");
        for (String scheme : List.of("light", "dark")) {
            browser.prefer(scheme);
            for (int width : new int[] {1280, 360}) {
                browser.view(width, 900, width < 500);
                browser.await("innerWidth === " + width);
                assertFalse(
                        browser.evaluate("document.documentElement.scrollWidth > innerWidth")
                                .asBoolean(),
                        "nothing is beside the screen");
                browser.screenshot(PICTURES.resolve(scheme + "-" + width + ".png"));
                assertEquals("[]", violations());
                browser.evaluate("document.querySelector('#rows button.danger').click()");
                browser.await("document.querySelector('#dialog button.danger')");
                browser.screenshot(PICTURES.resolve(scheme + "-" + width + "-delete.png"));
                assertEquals("[]", violations());
                browser.evaluate("document.getElementById('dialog').close();"
                        + "document.getElementById('dialog').replaceChildren()");
            }
        }
    }

    private static String violations() {
        return browser.evaluate("axe.run().then(r => JSON.stringify(r.violations.map(v => [v.impact, v.id,"
                        + " v.nodes.map(n => n.html + ' ' + n.failureSummary)])))")
                .asText();
    }
}
