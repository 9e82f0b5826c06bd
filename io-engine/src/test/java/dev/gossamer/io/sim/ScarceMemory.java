package dev.gossamer.io.sim;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewPrimitiveArrayInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.classfile.instruction.ReturnInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.security.CodeSource;
import java.util.HashSet;
import java.util.Set;

/**
 * A heap that is used up at the n-th allocation. {@link #loader} loads the program once more, and each of its classes
 * asks here before it makes an object, an array, a lambda, or has a collection of the JDK take one more element. Tests'
 * own classes, and those of others, find all the memory that they want.
 *
 * <p>A hash table enlarges itself when it has the new entry already: so there it may also be afterwards that there is
 * none.
 */
public final class ScarceMemory {
    private static final ClassDesc HERE = ClassDesc.of(ScarceMemory.class.getName());
    private static final Set<String> GROW = Set.of(
            "add",
            "addAll",
            "addFirst",
            "addLast",
            "computeIfAbsent",
            "copyOf",
            "merge",
            "of",
            "offer",
            "push",
            "put",
            "putIfAbsent",
            "valueOf");

    private static Thread thread;
    private static int initializing;
    private static long allocations;
    private static long from;
    private static long to;
    private static StackTraceElement[] place;

    private ScarceMemory() {}

    /** On this thread the n-th allocation from now fails, and so many in a row: others have it again by then. */
    public static void failAt(long n, long inARow) {
        thread = Thread.currentThread();
        allocations = 0;
        initializing = 0;
        from = n;
        to = n + inARow;
        place = null;
    }

    /** The first allocation that has failed; null if none has. */
    public static OutOfMemoryError failure() {
        OutOfMemoryError failure = null;
        if (place != null) {
            failure = new OutOfMemoryError("the first");
            failure.setStackTrace(place);
        }
        return failure;
    }

    /** Whether any has since {@link #failAt}. */
    public static boolean hasFailed() {
        return place != null;
    }

    /** There is memory again. */
    public static void end() {
        thread = null;
    }

    /** Called by the program when a class begins to be initialized. */
    public static void beginInitialization() {
        if (Thread.currentThread().equals(thread)) {
            initializing++;
        }
    }

    /** The other end. */
    public static void endInitialization() {
        if (Thread.currentThread().equals(thread)) {
            initializing--;
        }
    }

    /** Called by the program. */
    public static void allocate() {
        if (!Thread.currentThread().equals(thread) || initializing > 0) {
            return;
        }
        allocations++;
        if (allocations >= from && allocations < to) {
            OutOfMemoryError failure = new OutOfMemoryError("Java heap space");
            place = place == null ? failure.getStackTrace() : place;
            throw failure;
        }
    }

    /**
     * Loads the program anew.
     *
     * @param tests of each module with tests one class of those: what is beside it is left as it is
     */
    public static ClassLoader loader(Class<?>... tests) {
        Set<String> testLocations = new HashSet<>();
        testLocations.add(location(ScarceMemory.class));
        for (Class<?> test : tests) {
            testLocations.add(location(test));
        }
        return new Loader(testLocations);
    }

    /** Whether a class is one of a program that was loaded so. */
    public static boolean reaches(Class<?> type) {
        return type.getClassLoader().getClass().getName().equals(Loader.class.getName());
    }

    private static String location(Class<?> type) {
        CodeSource source = type.getProtectionDomain().getCodeSource();
        return source.getLocation().toExternalForm();
    }

    private static final class Loader extends ClassLoader {
        private final Set<String> asTheyAre;

        Loader(Set<String> asTheyAre) {
            super(ScarceMemory.class.getClassLoader());
            this.asTheyAre = asTheyAre;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (!name.startsWith("dev.gossamer.") || name.equals(ScarceMemory.class.getName())) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : anew(name);
            }
        }

        private Class<?> anew(String name) throws ClassNotFoundException {
            Class<?> original = Class.forName(name, false, getParent());
            try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
                byte[] bytes = in.readAllBytes();
                byte[] asking = asTheyAre.contains(location(original)) ? bytes : asking(bytes);
                return defineClass(name, asking, 0, asking.length);
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }

        private static byte[] asking(byte[] bytes) {
            ClassFile files = ClassFile.of();
            MethodTransform asking = MethodTransform.transformingCode(Loader::askBeforeAllocation);
            MethodTransform sparing = MethodTransform.transformingCode(new Initialization());
            return files.transformClass(files.parse(bytes), (all, element) -> {
                if (element instanceof MethodModel method) {
                    all.transformMethod(method, isInitializer(method) ? sparing : asking);
                } else {
                    all.with(element);
                }
            });
        }

        private static boolean isInitializer(MethodModel method) {
            return method.methodName().equalsString("<clinit>");
        }

        /** Happens once in a Java and not once in a story, so it is left alone with all that it calls. */
        private static final class Initialization implements CodeTransform {
            @Override
            public void atStart(CodeBuilder code) {
                code.invokestatic(HERE, "beginInitialization", MethodTypeDesc.ofDescriptor("()V"));
            }

            @Override
            public void accept(CodeBuilder code, CodeElement element) {
                if (element instanceof ReturnInstruction) {
                    code.invokestatic(HERE, "endInitialization", MethodTypeDesc.ofDescriptor("()V"));
                }
                code.with(element);
            }
        }

        private static void askBeforeAllocation(CodeBuilder code, CodeElement element) {
            boolean grows = element instanceof InvokeInstruction call && isGrowth(call);
            if (grows || isAllocation(element)) {
                ask(code);
            }
            code.with(element);
            if (grows && ((InvokeInstruction) element).name().equalsString("put")) {
                ask(code);
            }
        }

        private static void ask(CodeBuilder code) {
            code.invokestatic(HERE, "allocate", MethodTypeDesc.ofDescriptor("()V"));
        }

        private static boolean isAllocation(CodeElement element) {
            return element instanceof NewObjectInstruction
                    || element instanceof NewPrimitiveArrayInstruction
                    || element instanceof NewReferenceArrayInstruction
                    || element instanceof NewMultiArrayInstruction
                    || (element instanceof InvokeDynamicInstruction made && isMadeEachTime(made));
        }

        /** A lambda that captures nothing is made once; what a record computes of its fields makes nothing. */
        private static boolean isMadeEachTime(InvokeDynamicInstruction made) {
            String name = made.name().stringValue();
            return made.typeSymbol().parameterCount() > 0 && !name.equals("hashCode") && !name.equals("equals");
        }

        private static boolean isGrowth(InvokeInstruction call) {
            String owner = call.owner().asInternalName();
            return (owner.startsWith("java/util/") || owner.equals("java/lang/Long"))
                    && GROW.contains(call.name().stringValue());
        }
    }
}
