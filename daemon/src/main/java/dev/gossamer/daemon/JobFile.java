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
import dev.gossamer.thin.JobRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The jobs under way, in a file of the pool's directory: those that are in it when the pool is opened were interrupted
 * by the end of the daemon, whatever that was, and {@link JobRestart} begins them again (RL-9). It is advice: the pool
 * is sound without, and a file that cannot be read or written is told, and changes nothing.
 *
 * <p>Written by a thread of its own, so that the worker waits for no file system.
 */
final class JobFile implements JobRecord {
    private static final Logger LOG = LoggerFactory.getLogger(JobFile.class);

    /** Larger than that of as many jobs as there may be, of as many volumes as a request names. */
    private static final int MAX_BYTES = 4 << 20;

    /** One write waits behind the one that is under way, and writes down what is there by then. */
    private final ExecutorService writer = new ThreadPoolExecutor(
            0,
            1,
            10,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(1),
            Thread.ofPlatform().daemon().name("gossamer-job-file").factory(),
            new ThreadPoolExecutor.DiscardPolicy());

    private final Path file;
    private final TreeMap<Long, JobEntry> active = new TreeMap<>();
    private final List<CompletableFuture<Void>> waiting = new ArrayList<>();
    private long changes;
    private long written;

    private JobFile(Path file) {
        this.file = file;
    }

    /** Reads what was under way when the daemon ended: that is what is active until it is {@link #forget forgotten}. */
    static JobFile open(Path file) {
        JobFile record = new JobFile(file);
        for (JobEntry entry : record.read()) {
            record.active.put(entry.id(), entry);
        }
        return record;
    }

    /** All that it has, oldest first. */
    List<JobEntry> entries() {
        synchronized (active) {
            return List.copyOf(active.values());
        }
    }

    /** One is about to be begun again. */
    void begins(JobEntry entry) {
        synchronized (active) {
            active.put(entry.id(), entry.begun(entry.begun() + 1));
            changes++;
        }
    }

    /** One is not begun again. */
    void forget(long id) {
        synchronized (active) {
            active.remove(id);
            changes++;
        }
    }

    @Override
    public CompletableFuture<Void> started(JobInfo job, JobRequest request) {
        CompletableFuture<Void> answer = new CompletableFuture<>();
        synchronized (active) {
            JobEntry before = active.get(job.id());
            active.put(job.id(), JobEntry.of(job, request, before == null ? 0 : before.begun()));
            waiting.add(answer);
        }
        changed();
        return answer;
    }

    @Override
    public void changed(JobInfo job) {
        synchronized (active) {
            active.computeIfPresent(job.id(), (id, entry) -> entry.paused(job.state() == JobInfo.State.PAUSED));
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

    /** The pool is closed, in order, so nothing comes any more: writes down what has not been yet. */
    void close() {
        synchronized (active) {
            active.replaceAll((id, entry) -> entry.begun(0));
            changes++;
        }
        writer.shutdown();
        write();
    }

    /** Writes down what has changed. */
    synchronized void write() {
        String text;
        long its;
        List<CompletableFuture<Void>> told;
        synchronized (active) {
            its = changes;
            text = its == written ? "" : text();
            told = List.copyOf(waiting);
            waiting.clear();
        }
        try {
            if (its != written) { // else another thread has written the latest
                ConfigFile.replace(file, text);
                written = its;
            }
        } catch (IOException e) {
            LOG.warn("the jobs under way are not written down: {}", Reason.of(e));
        } finally {
            told.forEach(answer -> answer.complete(null));
        }
    }

    private String text() {
        ArrayNode all = JsonNodeFactory.instance.arrayNode();
        active.values().forEach(entry -> all.add(entry.json()));
        return all.toPrettyString() + "\n";
    }

    private List<JobEntry> read() {
        List<JobEntry> jobs = new ArrayList<>();
        try {
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new IOException(file + " is no file"); // a pipe would be waited for
            }
            if (Files.size(file) > MAX_BYTES) {
                throw new IOException(file + " is larger than any that this program writes");
            }
            for (JsonNode job : new JsonMapper().readTree(Files.readString(file))) {
                jobs.add(JobEntry.read(job));
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
