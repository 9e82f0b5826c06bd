package dev.gossamer.it;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The direction of the modules, and the places to which foreign types are confined. */
final class ArchitectureTest {
    private static JavaClasses ours;

    @BeforeAll
    static void importClasses() {
        ours = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("dev.gossamer");
    }

    @Test
    void classesAreSeen() {
        for (String root : new String[] {"io", "pdata", "thin", "nbd", "daemon"}) {
            assertFalse(
                    ours.stream().noneMatch(type -> type.getPackageName().startsWith("dev.gossamer." + root)),
                    "no class of dev.gossamer." + root + " is on the class path");
        }
    }

    @TestFactory
    Stream<DynamicTest> modulesKnowOnlyThoseBelow() {
        return Stream.of(
                forbid("io", "pdata", "thin", "snapshot", "nbd", "daemon"),
                forbid("pdata", "thin", "snapshot", "nbd", "daemon"),
                forbid("snapshot", "pdata", "thin", "nbd", "daemon"),
                forbid("thin", "snapshot", "nbd", "daemon"),
                forbid("nbd", "io", "pdata", "thin", "snapshot", "daemon"));
    }

    private static DynamicTest forbid(String module, String... unknown) {
        String[] packages =
                Stream.of(unknown).map(name -> "dev.gossamer." + name + "..").toArray(String[]::new);
        return DynamicTest.dynamicTest(module + " does not know " + String.join(", ", unknown), () -> noClasses()
                .that()
                .resideInAPackage("dev.gossamer." + module + "..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(packages)
                .allowEmptyShould(true)
                .check(ours));
    }

    @TestFactory
    Stream<DynamicTest> foreignTypesStayInTheirPlaces() {
        return Stream.of(
                confine("jnr..", "dev.gossamer.io.libc.."),
                confine("net.openhft..", "dev.gossamer.io.buffer..", "dev.gossamer.pdata.block.."),
                confine(
                        "io.netty..",
                        "dev.gossamer.nbd..",
                        "dev.gossamer.io.ring..",
                        "dev.gossamer.daemon.server..",
                        "dev.gossamer.daemon.remote..",
                        "dev.gossamer.daemon.admin..",
                        "dev.gossamer.daemon.ui.."),
                confine("io.micrometer..", "dev.gossamer.daemon.metrics.."),
                confine("picocli..", "dev.gossamer.daemon.cli.."));
    }

    private static DynamicTest confine(String foreign, String... places) {
        return DynamicTest.dynamicTest(foreign + " only in " + String.join(", ", places), () -> noClasses()
                .that()
                .resideOutsideOfPackages(places)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(foreign)
                .check(ours));
    }
}
