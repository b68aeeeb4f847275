"""The changes that a team makes to the pipelines `ratings` and `patterns` in a year, in their order."""

from __future__ import annotations

from benchmarks.changes.change import Change, ProjectCopy

TOPICS, PATTERN_TOPICS = "topics/ratings.json", "topics/patterns.json"
RATINGS, CUSTOMERS, PATTERNS = "ksql/ratings.sql", "ksql/customers.sql", "ksql/patterns.sql"
SCHEMA = "topics/schemas/ratings-value.avsc"
SOURCE = "connectors/ratings/mysql-demo-customers.json"
ES_ENRICHED = "connectors/ratings/es_sink_ratings-with-customer-data.json"
ES_ALERTS = "connectors/ratings/es_sink_unhappy_platinum_customers.json"
S3 = "connectors/ratings/s3-sink-ratings.json"
TEMPLATE = "dashboards/ratings/templates/unhappy_platinum_customers.json"
FIELDS = ("template", "mappings", "properties")
ALERT = "alerts/ratings_unhappy_platinum.toml"
DAY_MS = 86_400_000
UNHAPPY = "statement UNHAPPY_PLATINUM_CUSTOMERS"
ENRICHED = "statement RATINGS_ENRICHED"
RESTARTED = frozenset({"alerts"})
"""The service that reads the topics of a rebuild is stopped until the new queries have caught up."""
STREAMS_AND_TABLES = (
    *("AUTHORIZATION_ATTEMPTS", "POSSIBLE_FRAUD", "VEHICLE_MONITORING_STREAM", "FAILING_VEHICLES"),
    *("SATURATION_EVENTS", "POSSIBLE_MALFUNCTION", "MORTGAGES", "CLIENTS", "QUALIFIED_CLIENTS", "PAYMENTS_STREAM"),
    *("USERS_TABLE", "ENRICHED_PAYMENTS", "CLICKSTREAM", "USERS", "CLICKS_FROM_VIP_USERS", "CLICKS_BY_USER_ID"),
    *("P_ORDERS", "SHIPMENTS", "LATE_ORDERS", "SALES_ONLINE", "SALES_OFFLINE", "ALL_SALES", "DAILY_SALES_PER_ITEM"),
)
"""What `ksql/patterns.sql` declares at the beginning of the year."""
QUERIES = (
    *("CTAS_POSSIBLE_FRAUD", "CTAS_FAILING_VEHICLES", "CTAS_POSSIBLE_MALFUNCTION", "CSAS_QUALIFIED_CLIENTS"),
    *("CSAS_ENRICHED_PAYMENTS", "CSAS_CLICKS_FROM_VIP_USERS", "CSAS_CLICKS_BY_USER_ID", "CSAS_LATE_ORDERS"),
    *("CTAS_DAILY_SALES_PER_ITEM", "INSERTQUERY"),
)
"""Its queries, without their numbers."""
BY_USER, BY_ROUTE = ("USER_ID", "USER_ID"), ("ROUTE_ID", "ID, USER_ID")
"""The column that joins the customers, and what a reader of the result selects to have its key."""
PLAIN_TOPIC = {"partitions": 1, "cleanup.policy": "delete", "retention.ms": 7 * DAY_MS, "key": "none"}


def _schema_field(project: ProjectCopy, field: dict[str, object]) -> None:
    schema = project.read_json(SCHEMA)
    project.write_json(SCHEMA, {**schema, "fields": [*schema["fields"], field]})


def _without_field(project: ProjectCopy, name: str) -> None:
    schema = project.read_json(SCHEMA)
    project.write_json(SCHEMA, {**schema, "fields": [field for field in schema["fields"] if field["name"] != name]})


def _joined_by(project: ProjectCopy, old: tuple[str, str], new: tuple[str, str]) -> None:
    """Join the customers by another column; whatever reads the result must select the new key."""
    project.text(RATINGS, f"ON R.{old[0]} = C.ID", f"ON R.{new[0]} = C.ID")
    for rest in (", UCASE(CLUB_STATUS)", ", MESSAGE FROM RATINGS_ENRICHED"):
        project.text(RATINGS, f"SELECT {old[1]}{rest}", f"SELECT {new[1]}{rest}")


def _copied_connector(project: ProjectCopy, source: str, target: str, **keys: str) -> None:
    project.write_json(target, {**project.read_json(source), **{key.replace("__", "."): keys[key] for key in keys}})


YEAR = (
    Change(
        "keep ratings for two weeks",
        lambda project: project.json(TOPICS, "ratings", "retention.ms", value=14 * DAY_MS),
        {"topic ratings": "update"},
    ),
    Change(
        "keep them for three days only",
        lambda project: project.json(TOPICS, "ratings", "retention.ms", value=3 * DAY_MS),
        {"topic ratings": "update"},
    ),
    Change(
        "add partitions to a topic without keys",
        lambda project: project.json(TOPICS, "asgard", "partitions", value=3),
        {"topic asgard": "update"},
    ),
    Change(
        "declare a new topic",
        lambda project: project.json(TOPICS, "reviews", value=PLAIN_TOPIC),
        {"topic reviews": "create"},
    ),
    Change(
        "add a column with a default to the schema of the web app",
        lambda project: _schema_field(project, {"name": "app", "type": ["null", "string"], "default": None}),
        {"subject ratings-value": "update"},
    ),
    Change(
        "alert at three stars, too",
        lambda project: project.text(RATINGS, "WHERE STARS < 3 AND", "WHERE STARS < 4 AND"),
        {UNHAPPY: "update"},
    ),
    Change(
        "add a column to the alerts",
        lambda project: project.text(RATINGS, "EMAIL, STARS, MESSAGE\n", "EMAIL, STARS, MESSAGE, FIRST_NAME\n"),
        {UNHAPPY: "update"},
    ),
    Change(
        "show the club in capitals",
        lambda project: project.text(
            RATINGS, "SELECT USER_ID, CLUB_STATUS, EMAIL", "SELECT USER_ID, UCASE(CLUB_STATUS) AS CLUB_STATUS, EMAIL"
        ),
        {UNHAPPY: "update"},
    ),
    Change(
        "reformat a statement and explain it",
        lambda project: project.text(
            RATINGS, "  FROM RATINGS_ENRICHED\n  WHERE", "\n  -- enriched, not raw\n  from RATINGS_ENRICHED  WHERE"
        ),
        {},
    ),
    Change(
        "store an alert's text for the inside sales, too",
        lambda project: project.append(
            RATINGS,
            "\nCREATE STREAM REVIEWS WITH (VALUE_FORMAT='JSON', KAFKA_TOPIC='reviews') AS\n"
            "  SELECT USER_ID, MESSAGE FROM RATINGS_ENRICHED EMIT CHANGES;\n",
        ),
        {"statement REVIEWS": "create"},
    ),
    Change(
        "look at fraud in windows of ten minutes",
        lambda project: project.text(
            PATTERNS,
            "WINDOW TUMBLING (SIZE 5 MINUTES)\n  GROUP BY card",
            "WINDOW TUMBLING (SIZE 10 MINUTES)\n  GROUP BY card",
        ),
        {"statement POSSIBLE_FRAUD": "replace"},
        frozenset({"replace"}),
        RESTARTED,
    ),
    Change(
        "call it fraud from three attempts on",
        lambda project: project.text(
            PATTERNS, "BY card_number\n  HAVING COUNT(*) > 3", "BY card_number\n  HAVING COUNT(*) > 2"
        ),
        {"statement POSSIBLE_FRAUD": "replace"},
        frozenset({"replace"}),
        RESTARTED,
    ),
    Change(
        "count errors of vehicles from a new kind of event, too",
        lambda project: project.text(PATTERNS, "WHERE event_type = 'ERROR'", "WHERE event_type IN ('ERROR', 'FATAL')"),
        {"statement FAILING_VEHICLES": "replace"},
        frozenset({"replace"}),
        RESTARTED,
    ),
    Change(
        "ask for more credit",
        lambda project: project.text(PATTERNS, "c.credit_score > 750", "c.credit_score > 760"),
        {"statement QUALIFIED_CLIENTS": "replace"},
        frozenset({"replace"}),
    ),
    Change(
        "add the amount to a source without readers of it",
        lambda project: project.text(
            PATTERNS,
            "(client_id INT, city VARCHAR, action VARCHAR)",
            "(client_id INT, city VARCHAR, action VARCHAR, amount DOUBLE)",
        ),
        {"statement MORTGAGES": "update"},
    ),
    Change(
        "declare a stream that no query reads yet",
        lambda project: project.append(
            PATTERNS,
            "\nCREATE STREAM devices_seen (id VARCHAR) WITH (KAFKA_TOPIC='saturation_events', VALUE_FORMAT='JSON');\n",
        ),
        {"statement DEVICES_SEEN": "create"},
    ),
    Change(
        "correct the type of its column",
        lambda project: project.text(PATTERNS, "devices_seen (id VARCHAR)", "devices_seen (id BIGINT)"),
        {"statement DEVICES_SEEN": "replace"},
    ),
    Change(
        "merge a third channel of sales",
        lambda project: (
            project.json(PATTERN_TOPICS, "sales_phone", value=PLAIN_TOPIC),
            project.text(
                PATTERNS,
                "CREATE STREAM all_sales (",
                "CREATE STREAM sales_phone (itemId BIGINT, price INT)\n"
                "  WITH (KAFKA_TOPIC='sales_phone', VALUE_FORMAT='JSON');\nCREATE STREAM all_sales (",
            ),
            project.text(
                PATTERNS,
                "FROM sales_offline EMIT CHANGES;\n",
                "FROM sales_offline EMIT CHANGES;\n"
                "INSERT INTO all_sales SELECT itemId, price FROM sales_phone EMIT CHANGES;\n",
            ),
        ),
        {
            "topic sales_phone": "create",
            "statement SALES_PHONE": "create",
            "statement INSERT INTO ALL_SALES (patterns 3)": "create",
        },
    ),
    Change(
        "declare a type for addresses",
        lambda project: project.append(PATTERNS, "\nCREATE TYPE address AS STRUCT<street VARCHAR, city VARCHAR>;\n"),
        {"statement ADDRESS": "create"},
    ),
    Change(
        "add a field to the type",
        lambda project: project.text(
            PATTERNS, "street VARCHAR, city VARCHAR>", "street VARCHAR, city VARCHAR, zip VARCHAR>"
        ),
        {"statement ADDRESS": "replace"},
    ),
    Change(
        "rename a stream",
        lambda project: project.text(PATTERNS, "CREATE STREAM devices_seen", "CREATE STREAM devices_heard"),
        {"statement DEVICES_HEARD": "create"},
    ),
    Change(
        "remove what the project does not declare any more",
        lambda project: None,
        {"statement DEVICES_SEEN": "delete"},
        options=("--prune",),
    ),
    Change(
        "poll the database less often",
        lambda project: project.json(SOURCE, "poll.interval.ms", value="200"),
        {"connector mysql-demo-customers": "update"},
    ),
    Change(
        "write documents in larger batches",
        lambda project: project.json(ES_ENRICHED, "linger.ms", value="50"),
        {"connector es_sink_ratings-with-customer-data": "update"},
    ),
    Change(
        "index the raw reviews with the alerts' sink",
        lambda project: project.json(ES_ALERTS, "topics", value="UNHAPPY_PLATINUM_CUSTOMERS,reviews"),
        {"connector es_sink_unhappy_platinum_customers": "update"},
    ),
    Change(
        "stop that",
        lambda project: project.json(ES_ALERTS, "topics", value="UNHAPPY_PLATINUM_CUSTOMERS"),
        {"connector es_sink_unhappy_platinum_customers": "update"},
    ),
    Change(
        "set bad documents aside in a topic of another name",
        lambda project: (
            project.json(TOPICS, "bad-alerts", value=PLAIN_TOPIC),
            project.json(ES_ALERTS, "errors.deadletterqueue.topic.name", value="bad-alerts"),
        ),
        {"topic bad-alerts": "create", "connector es_sink_unhappy_platinum_customers": "update"},
    ),
    Change(
        "move the lake to another bucket",
        lambda project: project.json(S3, "s3.bucket.name", value="ratings-of-the-year"),
        {"bucket ratings-of-the-year": "create", "connector s3-sink-ratings": "update"},
    ),
    Change(
        "keep the alerts in the lake, too",
        lambda project: _copied_connector(
            project,
            S3,
            "connectors/ratings/s3-sink-alerts.json",
            topics="UNHAPPY_PLATINUM_CUSTOMERS",
            format__class="io.confluent.connect.s3.format.json.JsonFormat",
            value__converter="org.apache.kafka.connect.json.JsonConverter",
            value__converter__schemas__enable="false",
        ),
        {"connector s3-sink-alerts": "create"},
    ),
    Change(
        "rename that sink",
        lambda project: project.rename(
            "connectors/ratings/s3-sink-alerts.json", "connectors/ratings/s3-sink-unhappy.json"
        ),
        {"connector s3-sink-unhappy": "create", "connector s3-sink-alerts": "delete"},
        options=("--prune",),
    ),
    Change(
        "map another field of the alerts",
        lambda project: project.json(
            TEMPLATE, "template", "mappings", "properties", "EMAIL", value={"type": "keyword"}
        ),
        {"template unhappy_platinum_customers": "update"},
    ),
    Change(
        "count stars as floating point numbers",
        lambda project: project.json(TEMPLATE, *FIELDS, "STARS", value={"type": "float"}),
        {"template unhappy_platinum_customers": "update"},
    ),
    Change(
        "call the channel of alerts by another name",
        lambda project: project.text(ALERT, 'to = "unhappy-customers"', 'to = "very-unhappy-customers"'),
        {},  # the service reads the file again by itself
    ),
    Change(
        "capture another table of the database",
        lambda project: (
            project.json(SOURCE, "table.include.list", value="demo.CUSTOMERS,demo.foobar"),
            project.json(TOPICS, "asgard.demo.foobar", value={**PLAIN_TOPIC, "connector": "mysql-demo-customers"}),
        ),
        {"topic asgard.demo.foobar": "create", "connector mysql-demo-customers": "replace"},
        frozenset({"snapshot"}),
    ),
    Change(
        "stop capturing it",
        lambda project: project.json(SOURCE, "table.include.list", value="demo.CUSTOMERS"),
        {"connector mysql-demo-customers": "update"},
    ),
    Change(
        "give the alerts two partitions",
        lambda project: project.text(
            RATINGS,
            "(VALUE_FORMAT='JSON', KEY_FORMAT='JSON', PARTITIONS=1)",
            "(VALUE_FORMAT='JSON', KEY_FORMAT='JSON', PARTITIONS=2)",
        ),
        {UNHAPPY: "replace"},
        frozenset({"replace", "delete"}),
        RESTARTED,
    ),
    Change(
        "add the phone number of customers to the enriched ratings",
        lambda project: project.text(
            RATINGS, "         C.LAST_NAME AS LAST_NAME\n", "         C.LAST_NAME AS LAST_NAME, C.GENDER AS GENDER\n"
        ),
        {ENRICHED: "replace", UNHAPPY: "replace", "statement REVIEWS": "replace"},
        frozenset({"replace"}),
        RESTARTED,
    ),
    Change(
        "join the customers by another column, which is a new key for all that reads the result",
        lambda project: _joined_by(project, BY_USER, BY_ROUTE),
        {ENRICHED: "replace", UNHAPPY: "replace", "statement REVIEWS": "replace"},
        frozenset({"replace"}),
        RESTARTED,
    ),
    Change(
        "join them by the user again",
        lambda project: _joined_by(project, BY_ROUTE, BY_USER),
        {ENRICHED: "replace", UNHAPPY: "replace", "statement REVIEWS": "replace"},
        frozenset({"replace"}),
        RESTARTED,
    ),
    Change(
        "remove a field that readers need from the schema of the web app",
        lambda project: _without_field(project, "route_id"),
        {"subject ratings-value": "update"},
    ),
    Change(
        "give up a topic partition",
        lambda project: project.json(TOPICS, "asgard", "partitions", value=1),
        {"topic asgard": "replace"},
        frozenset({"delete"}),
    ),
    Change(
        "drop the pipeline of patterns",
        lambda project: (
            project.remove(PATTERNS),
            project.remove(PATTERN_TOPICS),
            *(project.remove(f"alerts/patterns_{name}.toml") for name in ("fraud", "malfunction", "vehicles")),
        ),
        {f"statement {name}": "delete" for name in (*STREAMS_AND_TABLES, "SALES_PHONE", "DEVICES_HEARD")}
        | {f"query {name}": "delete" for name in QUERIES},
        options=("--prune",),
    ),
)
