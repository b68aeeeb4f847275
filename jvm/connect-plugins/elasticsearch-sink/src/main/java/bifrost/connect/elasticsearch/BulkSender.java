package bifrost.connect.elasticsearch;

import bifrost.connect.elasticsearch.Batch.Refusal;
import bifrost.connect.elasticsearch.SearchClient.Busy;
import bifrost.connect.elasticsearch.SearchClient.Outcome;
import bifrost.connect.elasticsearch.SearchClient.Refused;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.apache.kafka.connect.errors.ConnectException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sends documents until each is accepted or refused; retries with back-off while the search engine is busy or unavailable. */
final class BulkSender {
    private static final Logger LOG = LoggerFactory.getLogger(BulkSender.class);
    /** Bounds the back-off, so that work resumes soon after the search engine is available again. */
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(10);

    private final SearchClient client;
    private final int retries;
    private final Duration backoff;

    BulkSender(SearchClient client, int retries, Duration backoff) {
        this.client = client;
        this.retries = retries;
        this.backoff = backoff;
    }

    /**
     * Sends documents and returns those that were refused.
     *
     * @throws ConnectException the retries are used up, or the request as a whole was refused
     */
    List<Refusal> send(List<Document> documents) throws InterruptedException {
        List<Refusal> refusals = new ArrayList<>();
        List<Document> pending = documents;
        for (int attempt = 0; !pending.isEmpty(); attempt++) {
            String reason;
            try {
                List<Outcome> outcomes = client.bulk(pending);
                reason = reasonToWait(outcomes);
                pending = collectBusy(pending, outcomes, refusals);
            } catch (Refused refused) {
                refusals.addAll(sendHalves(pending, refused));
                return refusals;
            } catch (Busy busy) {
                reason = busy.getMessage();
            }
            if (!pending.isEmpty()) {
                pause(attempt, pending.size(), reason);
            }
        }
        return refusals;
    }

    private static List<Document> collectBusy(List<Document> sent, List<Outcome> outcomes, List<Refusal> refusals) {
        List<Document> busy = new ArrayList<>();
        for (int i = 0; i < sent.size(); i++) {
            switch (outcomes.get(i).kind()) {
                case DONE -> { }
                case BUSY -> busy.add(sent.get(i));
                case REFUSED -> refusals.add(new Refusal(sent.get(i), outcomes.get(i).reason()));
            }
        }
        return busy;
    }

    private static String reasonToWait(List<Outcome> outcomes) {
        return outcomes.stream()
                .filter(outcome -> outcome.kind() == Outcome.Kind.BUSY)
                .map(Outcome::reason)
                .findFirst()
                .orElse("");
    }

    /** Splits a request that was refused because of its documents, until the refused documents are found. */
    private List<Refusal> sendHalves(List<Document> documents, Refused refused) throws InterruptedException {
        if (!refused.blamesDocuments()) {
            throw new ConnectException("The search engine refused the request: " + refused.getMessage(), refused);
        }
        if (documents.size() == 1) {
            return List.of(new Refusal(documents.get(0), refused.getMessage()));
        }
        int middle = documents.size() / 2;
        List<Refusal> refusals = new ArrayList<>(send(documents.subList(0, middle)));
        refusals.addAll(send(documents.subList(middle, documents.size())));
        return refusals;
    }

    private void pause(int attempt, int count, String reason) throws InterruptedException {
        if (attempt >= retries) {
            throw new ConnectException(
                    count + " documents could not be written, tried " + (attempt + 1) + " times (max.retries): " + reason);
        }
        long wait = wait(attempt);
        LOG.warn("Retrying {} documents in {} ms: {}", count, wait, reason);
        Thread.sleep(wait);
    }

    /** Doubles with each attempt; the random part keeps tasks that failed together from retrying together. */
    private long wait(int attempt) {
        long longest = Math.min(backoff.toMillis() << Math.min(attempt, 20), LONGEST_WAIT.toMillis());
        return longest - ThreadLocalRandom.current().nextLong(longest / 2 + 1);
    }
}
