"""Secrets do not reach people: by key, by known value, by looks; what is no secret stays readable."""

import pytest

from bifrost.redaction import REDACTED, is_secret, redact_config, redact_text, redact_value, secrets_of

S = "hunter22"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("database.password", S),
        ("connection.passwd", S),
        ("ssl.key.passphrase", S),
        ("db.pass", S),
        ("aws.secret.access.key", S),
        ("azure.account.key", S),
        ("basic.auth.user.info", f"alice:{S}"),
        ("confluent.license.token", S),
        ("http.headers", f"X-Custom: {S}"),
        ("sasl.jaas.config", f'x.PlainLoginModule required username="a" password="{S}";'),
        ("ssl.keystore.key", S),
        ("api.key", S),
        ("x.password", "${env:P}" + S),
        ("connection.url", f"jdbc:mysql://db:3306/demo?user=u&password={S}"),
        ("connection.url", f"jdbc:mysql://db:3306/demo?password={S}&user=u"),
        ("connection.url", f"jdbc:mysql://u:{S}@db:3306/demo"),
        ("connection.url", f"jdbc:sqlserver://db:1433;user=sa;password={S};encrypt=true"),
        ("connection.url", f"jdbc:sqlserver://db:1433;user=sa;password={{{S};x}};encrypt=true"),
        ("connection.url", f"jdbc:sqlserver://db:1433;user=sa;Password=a, {S} c;encrypt=true"),
        ("connection.url", f"jdbc:oracle:thin:@db:1521/x?oracle.net.wallet_password={S}"),
        ("connection.url", f"https://elastic:{S}@search:9200,https://elastic:{S}@search2:9200"),
        ("connection.url", f"https://{S}@search:9200"),
        ("connection.url", f"jdbc:oracle:thin:scott/{S}@//db:1521/XE"),
        ("connection.url", f"jdbc:postgresql://u:{S}@h1:5432,h2:5432/db?targetServerType=primary"),
        ("connection.url", f"mysql+pymysql://u:{S}%40x@db/demo"),
        ("connection.url", f"jdbc:db2://db:50000/SAMPLE:user=u;password={S};"),
        ("connection.string", f"Server=db;Uid=sa;Pwd={S};Encrypt=yes"),
        ("connection.string", f"Endpoint=sb://x.example/;SharedAccessKeyName=k;SharedAccessKey={S}="),
        ("azure", f"DefaultEndpointsProtocol=https;AccountName=n;AccountKey={S}==;EndpointSuffix=x"),
        ("request.headers", f"X-Custom:{S}"),
        ("headers", f"X-Custom:{S}"),
        ("extra", f"X-Api-Key: {S}"),
        ("extra", f"https://h/path?access_token={S}&x=1"),
        ("mongodb.connection.string", f"mongodb://u:{S}@h1:27017,h2:27017,h3/?replicaSet=rs0"),
        ("mongodb.connection.string", f"mongodb+srv://u:{S}%40x@cluster.example.net/db"),
        ("mongodb.connection.string", f"mongodb://u:p@ss:{S}@h1:27017/db"),
        ("mongodb.connection.string", f"mongodb://u:a/{S}?#b@h1:27017/db"),
        ("mongodb.connection.string", f"mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:{S}"),
        ("redis.hosts", f"redis://:{S}@cache:6379/0"),
        ("value.converter.schema.registry.url", f"http://u:{S}@registry:8081"),
        ("producer.override", f'sasl.jaas.config=x.ScramLoginModule required username="a" password="{S}";'),
        ("consumer.config", f'{{"sasl.jaas.config": "x required username=\\"a\\" password=\\"{S}\\";"}}'),
        ("extra", f'{{"password": "{S}", "user": "u"}}'),
        ("extra", f"{{'api_key': '{S}'}}"),
        ("extra", f"host=db password='{S} with blanks' user=u"),
        ("extra", f"Authorization: Bearer {S}"),
        ("extra", f"Authorization:Basic {S}|X-A:b"),
        ("extra", f'{{"Authorization": "ApiKey {S}"}}'),
        ("extra", f"proxy-authorization={S}"),
        ("extra", f"jdbc%3Amysql%3A%2F%2Fdb%3Fpassword%3D{S}%26user%3Du"),
        ("extra", f"Bearer {S}{S}"),
        ("extra", f"-----BEGIN PRIVATE KEY-----\n{S}\n-----END PRIVATE KEY-----"),
        ("extra", f"https://api.telegram.org/bot123456789:AAF{S}{S}{S}{S}/getMe"),
        ("extra", f"xoxb-123456-{S}"),
        ("extra", f"eyJhbGciOi.{S}abc.{S}"),
        ("extra", f"https://hooks.slack.com/services/T0001/B0001/{S}"),
        ("http.api.url", f"https://x.blob.core.windows.net/c?sv=2024&sig={S}%3D&se=x"),
        ("http.api.url", f"https://b.s3.amazonaws.com/o?X-Amz-Signature={S}"),
        ("extra", f"schema.registry.basic.auth.user.info=key:{S}"),
        ("extra", f'x.PlainLoginModule required username="a" password="x\\"{S}";'),
        ("extra", f"Cookie: session={S}"),
        ("extra", f"mysqldump --user root --password {S} demo"),
        ("extra", f"mysqldump --password '{S} with blanks' demo"),
        ("extra", f"client --db-password {S}"),
        ("extra", f"client --api-key {S} --url x"),
        ("extra", f"client --token\n{S}"),
        ("extra", f"curl -u alice:{S} https://h/x"),
        ("extra", f"curl --user alice:{S} https://h/x"),
        ("connection.init.sql", f"CREATE USER 'debezium'@'%' IDENTIFIED BY '{S}'"),
        ("connection.init.sql", f"create user u identified by '{S}' require ssl"),
        ("connection.init.sql", f'ALTER USER u IDENTIFIED BY "{S}"'),
        ("connection.init.sql", f"CREATE USER scott IDENTIFIED BY {S};"),
        ("connection.init.sql", f"create user scott identified by {S};"),
        ("connection.init.sql", f"CREATE USER u IDENTIFIED BY 'it''s {S}'"),
        ("connection.init.sql", f"ALTER USER u IDENTIFIED WITH caching_sha2_password BY '{S}'"),
        ("connection.init.sql", f"CREATE USER u IDENTIFIED BY PASSWORD '{S}'"),
        ("connection.init.sql", f"CREATE USER u IDENTIFIED VIA mysql_native_password USING PASSWORD('{S}')"),
        ("connection.init.sql", f"SET PASSWORD FOR 'u'@'%' = PASSWORD('{S}')"),
        ("connection.init.sql", f"SET PASSWORD FOR u = '{S}'"),
        ("connection.init.sql", f"CREATE ROLE u WITH LOGIN ENCRYPTED PASSWORD '{S}'"),
        ("extra", f'{{"ddl": "CREATE USER u IDENTIFIED BY \\"{S}\\""}}'),
    ],
)
def test_no_secret_is_left_in_a_value(key, value):
    for found in (redact_value(key, value), redact_config({key: value})[key]):
        assert S not in found
        assert REDACTED in found


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("database.password", "${env:MYSQL_PASSWORD}"),
        ("database.password", "${file:/etc/x.properties:p}"),
        ("database.password", ""),
        ("connection.url", "jdbc:mysql://db:3306/demo?user=u&password=${env:P}&x=1"),
        ("connection.url", "jdbc:mysql://u:${env:P}@db:3306/demo"),
        ("connection.url", "https://search:9200/path?mail=a@b.example"),
        ("connection.url", "http://a:9200,http://b:9200"),
        ("mongodb.connection.string", "mongodb://h1:27017,h2:27017/?replicaSet=rs0"),
        ("topics", "ratings,orders"),
        ("transforms.drop.headers", "trace,span"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
        ("transforms.x.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("topic.prefix", "password-resets"),
        ("table.include.list", "demo.TOKENS,demo.passwords"),
        ("header", "Basic authentication failed"),
        ("url", "https://hooks.slack.com/services"),
        ("url", "https://h/x?signal=1&designature=2"),
        ("topics", "cookies,signatures"),
        ("extra", "docker run --user 1000:1000 image"),
        ("extra", "client --password-file /run/secrets/db --verbose"),
        ("extra", "client --password --verbose"),
        ("extra", "--password is missing"),
        ("extra", "a row is identified by id and ts"),
        ("extra", "CREATE USER u IDENTIFIED BY '${env:P}'"),
        ("extra", "client --password ${env:P} --url x"),
    ],
)
def test_what_is_no_secret_stays_as_it_is(key, value):
    assert redact_value(key, value) == value


def test_the_rest_of_a_value_stays_readable():
    url = "jdbc:mysql://db:3306/demo?user=u&password=hunter22&useSSL=false"
    assert redact_value("connection.url", url) == "jdbc:mysql://db:3306/demo?user=u&password=********&useSSL=false"
    hosts = "mongodb://u:hunter22@h1:27017,h2:27017/?replicaSet=rs0"
    assert redact_text(f"cannot reach {hosts} now") == (
        "cannot reach mongodb://u:********@h1:27017,h2:27017/?replicaSet=rs0 now"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Access denied for user 'u'@'h' (using password: YES)", None),
        ("jdbc:x?password=abc&a=1 token: t0k", "jdbc:x?password=******** &a=1 token: ********".replace(" &", "&")),
        ("line 3:5: mismatched input 'x' expecting ';'", None),
        ("POST http://u:p4ss@h:1/x failed", "POST http://u:********@h:1/x failed"),
        ('config {"password":"a b,c"} refused', 'config {"password":"********"} refused'),
        ("login with password='a b' failed", "login with password='********' failed"),
    ],
)
def test_texts(text, expected):
    assert redact_text(text) == (text if expected is None else expected)


def test_known_secrets_are_found_in_every_spelling():
    config = {
        "DB_PASSWORD": 'p@ss/w"rd',
        "MONGODB_URL": "mongodb://u:s3cr%40t@h/db",
        "MODE_TOKEN": "true",
        "X_TOKEN": "ab",
        "INIT_SQL": "ALTER USER u IDENTIFIED BY 's3cr@t'",
    }
    secrets = secrets_of(config)
    for text in ('a p@ss/w"rd b', "a p%40ss%2Fw%22rd b", 'a p@ss/w\\"rd b', "a s3cr@t b", "a s3cr%40t b"):
        assert redact_text(text, secrets) == f"a {REDACTED} b"
    assert redact_text("it is true that ab", secrets) == "it is true that ab"


def test_names_of_secrets():
    assert all(
        map(is_secret, ("MYSQL_PASSWORD", "SLACK_API_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PWD", "sasl.jaas.config"))
    )
    assert not any(
        map(is_secret, ("topics", "key.converter", "connector.class", "mongodb.connection.string", "PWD", "OLDPWD"))
    )


def test_a_secret_within_a_statement_is_known_elsewhere():
    secrets = secrets_of({"INIT": "CREATE USER u IDENTIFIED BY 'hunter22'", "DUMP": "mysqldump --password s3same x"})
    assert redact_text("login hunter22 refused, then s3same", secrets) == f"login {REDACTED} refused, then {REDACTED}"


def test_long_texts_cost_little():
    for text in (
        "IDENTIFIED BY " * 10_000,
        "--password " * 10_000,
        "password '" * 10_000,
        "-u a:" * 20_000,
        " " * 100_000,
    ):
        redact_text(text)
    for text in (
        "a" * 100_000,
        "password" * 12_000,
        "://" * 25_000,
        "x://a:" + "b" * 100_000,
        '"' * 50_000,
        "'" * 50_000,
    ):
        redact_text(text)
        redact_value("x", text)


@pytest.mark.parametrize(
    "message",
    [
        "SLACK_API_TOKEN: is not set; set it in .env",
        "SLACK_API_TOKEN: Slack refuses it: the token is not valid",
        "Slack refuses the token: invalid_auth",
    ],
)
def test_a_sentence_about_a_secret_is_not_taken_for_the_secret(message: str):
    assert redact_text(message) == message
