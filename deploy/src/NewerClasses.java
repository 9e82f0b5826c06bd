import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Gives the classes of jars that were compiled for Java 5 the class file version of Java 8, with the stack maps that
 * this asks for; nothing else about them changes. A start-up cache takes no older ones: the VM would parse and verify
 * them at every start, by the slow way.
 *
 * <p>usage: java NewerClasses.java JAR... (each is replaced, if it has such classes; references between them are looked
 * up in all of them)
 */
public final class NewerClasses {
    /** Of Java 6. */
    private static final int FIRST_WITH_STACK_MAPS = 50;

    private static final ClassFileVersion JAVA_8 = ClassFileVersion.of(ClassFile.JAVA_8_VERSION, 0);
    private static final int VERSION_AT = 6;
    private static final String SUFFIX = ".class";

    private record Entry(String name, long time, byte[] bytes) {
        boolean isOldClass() {
            return name.endsWith(SUFFIX)
                    && bytes.length > VERSION_AT + 1
                    && ByteBuffer.wrap(bytes).getShort(VERSION_AT) < FIRST_WITH_STACK_MAPS;
        }
    }

    public static void main(String[] jars) throws IOException {
        List<ZipFile> open = new ArrayList<>();
        for (String jar : jars) {
            open.add(new ZipFile(jar));
        }
        ClassFile classFile = ClassFile.of(
                ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
                ClassFile.ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofResourceParsing(
                                type -> find(open, type.descriptorString()))
                        .orElse(ClassHierarchyResolver.defaultResolver())
                        .cached()));
        for (int i = 0; i < jars.length; i++) {
            List<Entry> entries = entries(open.get(i));
            if (entries.stream().anyMatch(Entry::isOldClass)) {
                Path part = Path.of(jars[i] + ".part");
                write(part, entries, classFile);
                Files.move(part, Path.of(jars[i]), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }

    /** @param descriptor as {@code Lpackage/Name;} */
    private static InputStream find(List<ZipFile> jars, String descriptor) {
        String name = descriptor.substring(1, descriptor.length() - 1) + SUFFIX;
        try {
            for (ZipFile jar : jars) {
                ZipEntry entry = jar.getEntry(name);
                if (entry != null) {
                    return jar.getInputStream(entry);
                }
            }
            return null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Entry> entries(ZipFile jar) throws IOException {
        List<Entry> entries = new ArrayList<>();
        for (ZipEntry entry : Collections.list(jar.entries())) {
            try (InputStream in = jar.getInputStream(entry)) {
                entries.add(new Entry(entry.getName(), entry.getTime(), in.readAllBytes()));
            }
        }
        return entries;
    }

    private static void write(Path jar, List<Entry> entries, ClassFile classFile) throws IOException {
        ClassTransform newer = ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)
                .andThen((builder, element) -> builder.with(
                        element instanceof ClassFileVersion ? JAVA_8 : element));
        try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(jar))) {
            for (Entry entry : entries) {
                ZipEntry header = new ZipEntry(entry.name);
                header.setTime(entry.time);
                out.putNextEntry(header);
                boolean old = entry.isOldClass();
                out.write(old ? classFile.transformClass(classFile.parse(entry.bytes), newer) : entry.bytes);
                out.closeEntry();
            }
        }
    }

    private NewerClasses() {}
}
