package dev.gossamer.daemon;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gossamer.daemon.config.ConfigFile;
import dev.gossamer.io.Reason;
import dev.gossamer.thin.JobInfo;
import dev.gossamer.thin.JobRecord;
import dev.gossamer.thin.pool.PoolJobs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs under way, in a file of the pool's directory: those that are in it when the pool is opened were interrupted
 * by the end of the daemon, whatever that was. What they had done by then is there, and the pool is sound; this only
 * tells (RL-9). It is advice: a file that cannot be read or written is told, and changes nothing.
 *
 * <p>Written by a thread of its own, so that nobody waits for a file system.
 */
final class JobFile implements JobRecord {
    private static final Logger LOG = LoggerFactory.getLogger(JobFile.class);

    /** Larger than that of as many jobs as there may be. */
    private static final int MAX_BYTES = 64 << 10;

    /** One write waits behind the one that is under way, and writes down what is there by then. */
    private final Executor writer = new ThreadPoolExecutor(
            0,
            1,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(1),
            Thread.ofPlatform().daemon().name("gossamer-job-file").factory(),
            new ThreadPoolExecutor.DiscardPolicy());

    private final Path file;
    private final JsonMapper json = new JsonMapper();
    private final TreeMap<Long, JobInfo> active = new TreeMap<>();
    private long changes;
    private long written;

    private JobFile(Path file) {
        this.file = file;
    }

    /** Tells a pool's jobs of those that were interrupted, and writes down what comes. */
    static JobFile keep(Path file, PoolJobs jobs) {
        JobFile record = new JobFile(file);
        List<JobInfo> interrupted = record.read();
        for (JobInfo job : interrupted) {
            LOG.warn(
                    "job {} was interrupted when the daemon ended; what it had done is there, start it again to go on:"
                            + " {} {}",
                    job.id(),
                    job.kind(),
                    job.what());
        }
        jobs.keep(interrupted, record).join();
        if (!interrupted.isEmpty()) {
            record.changed();
        }
        return record;
    }

    @Override
    public void started(JobInfo job) {
        synchronized (active) {
            active.put(job.id(), job);
        }
        changed();
    }

    @Override
    public void ended(JobInfo job) {
        synchronized (active) {
            active.remove(job.id());
        }
        changed();
    }

    private void changed() {
        synchronized (active) {
            changes++;
        }
        writer.execute(this::write);
    }

    /** The pool is closed, so nothing comes any more: writes down what has not been yet. */
    void close() {
        write();
    }

    private synchronized void write() {
        String text;
        long its;
        synchronized (active) {
            its = changes;
            text = text();
        }
        if (its == written) {
            return; // another thread has written the latest
        }
        try {
            ConfigFile.replace(file, text);
            written = its;
        } catch (IOException e) {
            LOG.warn("the jobs under way are not written down: {}", Reason.of(e));
        }
    }

    private String text() {
        ArrayNode all = JsonNodeFactory.instance.arrayNode();
        active.values().forEach(job -> all.addObject()
                .put("id", job.id())
                .put("kind", job.kind())
                .put("what", job.what())
                .put("startedAt", job.startedAt().toString()));
        return all.toPrettyString() + "\n";
    }

    private List<JobInfo> read() {
        List<JobInfo> jobs = new ArrayList<>();
        try {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new IOException(file + " is no file"); // a pipe would be waited for
            }
            if (Files.size(file) > MAX_BYTES) {
                throw new IOException(file + " is larger than any that this program writes");
            }
            for (JsonNode job : json.readTree(Files.readString(file))) {
                jobs.add(new JobInfo(
                        job.path("id").asLong(),
                        job.path("kind").asText(),
                        job.path("what").asText(),
                        JobInfo.State.INTERRUPTED,
                        0,
                        0,
                        Instant.parse(job.path("startedAt").asText()),
                        0,
                        "the daemon ended meanwhile; what was done by then is there, start it again to go on",
                        List.of()));
            }
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (JsonProcessingException | DateTimeException e) {
            LOG.warn("{} tells nothing of jobs: it is not as this program writes it", file);
            return List.of();
        } catch (IOException e) {
            LOG.warn("the jobs that were under way cannot be told: {}", Reason.of(e));
            return List.of();
        }
        return jobs;
    }
}
