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

/** Sends documents until each is taken or refused; waits longer each time while the search engine is busy or away. */
final class BulkSender {
    private static final Logger LOG = LoggerFactory.getLogger(BulkSender.class);
    /** A search engine that is back is to be found soon. */
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
     * The documents that were refused.
     *
     * @throws ConnectException the retries are used up, or the request as a whole was refused
     */
    List<Refusal> send(List<Document> documents) throws InterruptedException {
        List<Refusal> refusals = new ArrayList<>();
        List<Document> left = documents;
        for (int attempt = 0; !left.isEmpty(); attempt++) {
            String reason;
            try {
                List<Outcome> outcomes = client.bulk(left);
                reason = reasonToWait(outcomes);
                left = settled(left, outcomes, refusals);
            } catch (Refused refused) {
                refusals.addAll(divided(left, refused));
                return refusals;
            } catch (Busy busy) {
                reason = busy.getMessage();
            }
            if (!left.isEmpty()) {
                pause(attempt, left.size(), reason);
            }
        }
        return refusals;
    }

    private static List<Document> settled(List<Document> sent, List<Outcome> outcomes, List<Refusal> refusals) {
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

    /** A request that is refused for its documents is cut in two until it is clear which one is to blame. */
    private List<Refusal> divided(List<Document> documents, Refused refused) throws InterruptedException {
        if (!refused.blamesDocuments()) {
            throw new ConnectException("The search engine refuses the request: " + refused.getMessage(), refused);
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
        LOG.warn("{} documents are sent again in {} ms: {}", count, wait, reason);
        Thread.sleep(wait);
    }

    /** Doubles each time; a random part keeps tasks apart that failed together. */
    private long wait(int attempt) {
        long longest = Math.min(backoff.toMillis() << Math.min(attempt, 20), LONGEST_WAIT.toMillis());
        return longest - ThreadLocalRandom.current().nextLong(longest / 2 + 1);
    }
}
