# The same answers by SQL: what another release changes, and which files several exhibits share.
import json, sys, time
import duckdb

rare = int(sys.argv[1])
db = duckdb.connect()
begun = time.time()
db.execute("""copy (select exhibit, hashes.sha256 as sha256, path, size
    from read_json('P*/data/manifest.ndjson', format = 'newline_delimited',
    columns = {exhibit: 'varchar', hashes: 'struct(sha256 varchar)', path: 'varchar', size: 'ubigint'}))
    to 'all.parquet' (format parquet)""")
print(f"DuckDB, manifests to Parquet: {time.time() - begun:.1f} s")

begun = time.time()
db.execute("""create table old as select column0 as d from read_csv('old.txt', header = false);
    create table new as select column0 as d from read_csv('new.txt', header = false);
    create table changed as select d, 'new' as change from (select d from new except select d from old)
    union all select d, 'gone' from (select d from old except select d from new)""")
theirs = set(db.execute("select change, exhibit, path from 'all.parquet' join changed on d = sha256").fetchall())
print(f"DuckDB, changed hits from Parquet: {time.time() - begun:.1f} s, {len(theirs)}")
ours = set()
for line in open("changes.ndjson"):
    line = json.loads(line)
    if line["type"] == "match_change":
        ours.add((line["change"], line["entry"]["exhibit"], line["entry"]["path"]))
assert ours == theirs and ours, f"changed hits differ: {len(ours)} and {len(theirs)}"

begun = time.time()
db.execute("""create table shared as select sha256, count(distinct exhibit) as exhibits, count(*) as copies
    from 'all.parquet' group by sha256 having exhibits > 1""")
theirs = {d: (e, c) for d, e, c in db.execute("select * from shared").fetchall()}
print(f"DuckDB, shared files from Parquet: {time.time() - begun:.1f} s, {len(theirs)}")
pairs = {(a, b): n for a, b, n in db.execute(f"""with rare as (select distinct sha256, exhibit from 'all.parquet'
    where sha256 in (select sha256 from shared where exhibits <= {rare}))
    select x.exhibit, y.exhibit, count(*) from rare x join rare y on x.sha256 = y.sha256 and x.exhibit < y.exhibit
    group by all""").fetchall()}
ours, ours_pairs = {}, {}
for line in open("shared.ndjson"):
    line = json.loads(line)
    if line["type"] == "shared":
        ours[line["digest"]] = (line["exhibit_count"], line["copies"])
    elif line["type"] == "pair":
        ours_pairs[(line["a"], line["b"])] = line["rare_files"]
assert ours == theirs and ours, f"shared files differ: {len(ours)} and {len(theirs)}"
assert ours_pairs == pairs and pairs, f"pairs differ: {len(ours_pairs)} and {len(pairs)}"
print(f"the same answers: {len(ours)} shared files, {len(pairs)} pairs of exhibits")
