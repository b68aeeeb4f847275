// Uses both JavaScript clients as their READMEs show; prints what they returned as one JSON object.
// Arguments: the server's host and port, the name of a stream of two rows and of a table by the same key.
const KsqlDbJs = require("ksqldb-js");
const KsqlDbClient = require("ksqldb-client");

const [host, port, stream, table] = process.argv.slice(2);
const PULL = `SELECT * FROM ${table} WHERE ID = 'o1';`;
const PUSH = `SELECT ID, AMOUNT FROM ${stream} EMIT CHANGES LIMIT 2;`;

async function ksqldbJs() {
  const client = new KsqlDbJs({ ksqldbURL: `http://${host}:${port}` });
  const [, ...pulled] = await client.pull(PULL);
  const pushed = await new Promise((resolve, reject) => {
    const rows = [];
    client
      .push(PUSH, (chunk) => {
        const row = JSON.parse(chunk);
        if (Array.isArray(row) && rows.push(row) === 2) resolve(rows);
      })
      .catch(reject);
  });
  const inserted = await client.insertStream(stream, [{ ID: "js", AMOUNT: 1.5 }]);
  return { pulled, pushed, inserted };
}

async function ksqldbClient() {
  const client = new KsqlDbClient({ host: `http://${host}`, port: Number(port) });
  await client.connect();
  const pulled = (await client.query(PULL)).data.rows;
  const pushed = [];
  await client.streamQuery(PUSH, ({ rows }) => pushed.push(...(rows || [])), {});
  const refused = (await client.query("SELECT * FROM NOPE WHERE ID = 'x';")).error.message;
  await client.disconnect();
  return { pulled, pushed, refused };
}

Promise.all([ksqldbJs(), ksqldbClient()]).then(
  ([js, client]) => {
    console.log(JSON.stringify({ "ksqldb-js": js, "ksqldb-client": client }));
    process.exit(0);
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
