package bifrost.broker;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassVisitor;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.MethodVisitor;
import org.objectweb.asm.Opcodes;

/**
 * Corrects a class of Kafka's while this module is built (KAFKA-20734).
 *
 * <p>Since Kafka 4.3, {@code getPartitionLeaderEndpoint} returns nothing for a partition whose leader is unavailable,
 * as for a deleted one. The transaction coordinator then ends a transaction without its marker. On a platform of one
 * broker all leaders are unavailable for a moment after each kill, so a transaction hangs: no committed read passes it,
 * and Connect's source tasks wait without end.
 */
public final class RewriteMetadataCache {
    private static final String CLASS = "org/apache/kafka/metadata/KRaftMetadataCache";
    private static final String METHOD = "getPartitionLeaderEndpoint";
    private static final String ORIGINAL = "availablePartitionLeaderEndpoint";
    private static final String TYPE =
            "(Ljava/lang/String;ILorg/apache/kafka/common/network/ListenerName;)Ljava/util/Optional;";
    private static final String CORRECTION =
            "(Ljava/util/Optional;Lorg/apache/kafka/metadata/MetadataCache;Ljava/lang/String;I)Ljava/util/Optional;";

    private RewriteMetadataCache() {}

    /** Reads the class from the class path and writes the corrected one below the folder {@code arguments[0]}. */
    public static void main(String[] arguments) throws IOException {
        Path target = Path.of(arguments[0], CLASS + ".class");
        Files.createDirectories(target.getParent());
        try (InputStream source = kafkasOwn().openStream()) {
            Files.write(target, corrected(source.readAllBytes()));
        }
    }

    /** Kafka's class is in a jar; that of an earlier build may be on the class path too. */
    private static URL kafkasOwn() {
        return RewriteMetadataCache.class
                .getClassLoader()
                .resources(CLASS + ".class")
                .filter(found -> found.getProtocol().equals("jar"))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("Kafka's jar with " + CLASS + " is missing"));
    }

    /**
     * Returns the class with a method that calls the original one, under another name.
     *
     * @throws IllegalStateException the class has no such method: this Kafka needs another correction, or none.
     */
    static byte[] corrected(byte[] original) {
        ClassReader reader = new ClassReader(original);
        ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
        RenamedMethod renamed = new RenamedMethod(writer);
        reader.accept(renamed, 0);
        if (!renamed.found) {
            throw new IllegalStateException(CLASS + " has no method " + METHOD + TYPE);
        }
        return writer.toByteArray();
    }

    private static final class RenamedMethod extends ClassVisitor {
        private boolean found;

        RenamedMethod(ClassVisitor next) {
            super(Opcodes.ASM9, next);
        }

        @Override
        public MethodVisitor visitMethod(int access, String name, String type, String signature, String[] errors) {
            if (!name.equals(METHOD) || !type.equals(TYPE)) {
                return super.visitMethod(access, name, type, signature, errors);
            }
            found = true;
            writeCorrection(super.visitMethod(access, name, type, signature, errors));
            return super.visitMethod(Opcodes.ACC_PRIVATE, ORIGINAL, type, signature, errors);
        }

        private static void writeCorrection(MethodVisitor code) {
            code.visitCode();
            code.visitVarInsn(Opcodes.ALOAD, 0);
            code.visitVarInsn(Opcodes.ALOAD, 1);
            code.visitVarInsn(Opcodes.ILOAD, 2);
            code.visitVarInsn(Opcodes.ALOAD, 3);
            code.visitMethodInsn(Opcodes.INVOKESPECIAL, CLASS, ORIGINAL, TYPE, false);
            code.visitVarInsn(Opcodes.ALOAD, 0);
            code.visitVarInsn(Opcodes.ALOAD, 1);
            code.visitVarInsn(Opcodes.ILOAD, 2);
            code.visitMethodInsn(
                    Opcodes.INVOKESTATIC, "bifrost/broker/LeaderEndpoints", "orNoNode", CORRECTION, false);
            code.visitInsn(Opcodes.ARETURN);
            code.visitMaxs(0, 0);
            code.visitEnd();
        }
    }
}
