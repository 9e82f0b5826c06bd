package dev.gossamer.it;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.properties.HasName;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.ToIntFunction;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * How tightly the classes of a module hang together, seen in their class files. In a knot each class reaches each, so
 * none can be read, tested or changed without all the others. Nested classes count with the class around them, and
 * whoever takes nothing but a constant from another needs it, too.
 */
final class StructureTest {
    private static final Set<String> MODULES = Set.of("io", "pdata", "thin", "snapshot", "nbd", "daemon");
    private static final int CLASSES_MAX = 5;
    /**
     * What all of {@code dev.gossamer.io} is about is defined by each other: a request belongs to a loop and is given
     * to a device, a loop has requests and an engine that takes them.
     */
    private static final Map<String, Integer> MORE_CLASSES = Map.of("io", 6);

    /** Where classes of tests lie: a directory, or the jar that another module's tests use. */
    private static final Pattern TESTS = Pattern.compile(".*(/test-classes/|-tests\\.jar|-test/).*");

    private static final Pattern MODULE = Pattern.compile("dev\\.gossamer\\.(\\w+)\\.");

    /** A class of ours in a descriptor or in a signature with type parameters. */
    private static final Pattern OURS = Pattern.compile("L(dev/gossamer/[\\w/$]+)[;<]");

    private static JavaClasses ours;

    @BeforeAll
    static void importClasses() {
        ours = new ClassFileImporter()
                .withImportOption(location -> !location.matches(TESTS))
                .importPackages("dev.gossamer");
    }

    @TestFactory
    Stream<DynamicTest> classesOfAModuleAreNoLargeKnot() {
        return modules(module -> MORE_CLASSES.getOrDefault(module, CLASSES_MAX), StructureTest::withoutNesting);
    }

    @TestFactory
    Stream<DynamicTest> packagesOfAModuleHaveNoCycle() {
        return modules(module -> 1, name -> name.substring(0, name.lastIndexOf('.')));
    }

    /**
     * Its values, the door, how a pool is claimed, what works on pools that nobody serves: all else may change without
     * anybody outside.
     */
    @Test
    void ofThinTargetOnlyItsFaceIsSeen() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.gossamer.thin..")
                .should()
                .dependOnClassesThat(resideInAPackage("dev.gossamer.thin.*..")
                        .and(resideOutsideOfPackage("dev.gossamer.thin.pool"))
                        .and(resideOutsideOfPackage("dev.gossamer.thin.owner"))
                        .and(resideOutsideOfPackage("dev.gossamer.thin.offline")))
                .check(ours);
    }

    /** Whoever holds one of these has all the others by it: a hub that hides what is needed. */
    @Test
    void noClassIsHeldByEverybody() {
        heldOnlyBy("dev.gossamer.thin.worker.PoolWorker", "PoolParts|VolumeRequests|HiddenTails");
        heldOnlyBy("dev.gossamer.thin.pool.PoolParts", "ThinPool|PoolFacts");
    }

    private static void heldOnlyBy(String held, String holders) {
        fields().that()
                .haveRawType(held)
                .should()
                .beDeclaredInClassesThat(HasName.Predicates.nameMatching(".*\\.(" + holders + ")"))
                .check(ours);
    }

    private static Stream<DynamicTest> modules(ToIntFunction<String> limit, UnaryOperator<String> node) {
        assertEquals(MODULES, ours.stream().map(StructureTest::moduleOf).collect(Collectors.toSet()), "modules");
        return MODULES.stream()
                .sorted()
                .map(module -> DynamicTest.dynamicTest(
                        module + ": at most " + limit.applyAsInt(module),
                        () -> check(graph(module, node), limit.applyAsInt(module))));
    }

    /** Each knot that is larger than the limit fails, by the names of its members. */
    private static void check(Map<String, Set<String>> graph, int limit) {
        assertTrue(graph.size() > 1, () -> "only " + graph.keySet());
        List<String> large = Knots.of(graph).stream()
                .filter(knot -> knot.size() > limit)
                .map(knot -> knot.size() + " that reach each other: " + String.join(" ", knot))
                .toList();
        assertEquals(List.of(), large);
    }

    /** Who names whom within a module, each class called by what {@code node} makes of its full name. */
    private static Map<String, Set<String>> graph(String module, UnaryOperator<String> node) {
        Map<String, Set<String>> graph = new TreeMap<>();
        ours.stream().filter(type -> moduleOf(type).equals(module)).forEach(type -> {
            Set<String> used = graph.computeIfAbsent(node.apply(type.getName()), name -> new TreeSet<>());
            namedBy(type).stream()
                    .filter(target -> moduleOf(target).equals(module))
                    .forEach(target -> used.add(node.apply(target)));
        });
        return graph;
    }

    /**
     * Classes of ours in a class's constant pool, and in the descriptors there. The compiler leaves the name of a class
     * whose constant it has copied, which no instruction refers to.
     */
    private static Set<String> namedBy(JavaClass type) {
        Set<String> named = new TreeSet<>();
        for (PoolEntry entry : ClassFile.of().parse(bytesOf(type)).constantPool()) {
            if (entry instanceof ClassEntry used) {
                named.add(used.asInternalName().replaceFirst("^\\[+L?", "").replace(";", ""));
            } else if (entry instanceof Utf8Entry text) {
                OURS.matcher(text.stringValue()).results().forEach(used -> named.add(used.group(1)));
            }
        }
        return named.stream().map(name -> name.replace('/', '.')).collect(Collectors.toSet());
    }

    private static byte[] bytesOf(JavaClass type) {
        try (InputStream file = type.getSource().orElseThrow().getUri().toURL().openStream()) {
            return file.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String moduleOf(JavaClass type) {
        return moduleOf(type.getName());
    }

    /** The third part of a class's name; empty for classes of others. */
    private static String moduleOf(String type) {
        Matcher module = MODULE.matcher(type);
        return module.lookingAt() ? module.group(1) : "";
    }

    private static String withoutNesting(String name) {
        int dollar = name.indexOf('$');
        return dollar < 0 ? name : name.substring(0, dollar);
    }
}
