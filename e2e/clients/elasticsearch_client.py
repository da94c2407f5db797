"""Elasticsearch's own Python client against the address it is given: what its users do first must work."""

import sys

from elasticsearch import ConflictError, Elasticsearch, NotFoundError, helpers

client = Elasticsearch(sys.argv[1])
assert client.info()["version"]["number"].startswith("7.17"), client.info()
assert client.ping()

# Indices, templates, aliases.
client.indices.put_index_template(
    name="client", index_patterns=["client-*"], priority=500,
    template={"mappings": {"properties": {"host": {"type": "keyword"}, "bytes": {"type": "long"}}}, "aliases": {"clients": {}}},
)
client.indices.create(index="client-1")
assert client.indices.exists(index="client-1")
assert not client.indices.exists(index="client-9")
mapping = client.indices.get_mapping(index="client-1")["client-1"]["mappings"]
assert mapping["properties"]["host"]["type"] == "keyword", mapping
assert client.indices.exists_alias(name="clients")

# Documents one by one.
answer = client.index(index="client-1", id="first", document={"host": "a", "bytes": 1}, refresh=True)
assert answer["result"] == "created", answer
assert client.get(index="client-1", id="first")["_source"]["host"] == "a"
assert client.update(index="client-1", id="first", doc={"bytes": 2})["result"] == "updated"
try:
    client.create(index="client-1", id="first", document={})
    raise AssertionError("a document was created twice")
except ConflictError:
    pass
try:
    client.get(index="client-1", id="none")
    raise AssertionError("a document was found that is not there")
except NotFoundError:
    pass

# Many: the helpers.
actions = ({"_index": "client-1", "_id": str(n), "host": "abc"[n % 3], "bytes": n} for n in range(5000))
written, errors = helpers.bulk(client, actions, refresh=True)
assert (written, errors) == (5000, []), (written, errors)
ids = {hit["_id"] for hit in helpers.scan(client, index="clients", query={"query": {"term": {"host": "b"}}}, size=100)}
assert len(ids) == 1667, len(ids)
copied, _ = helpers.reindex(client, source_index="client-1", target_index="client-2", chunk_size=500)
client.indices.refresh(index="client-2")
assert copied == 5001 and client.count(index="client-2")["count"] == 5001, copied
assert client.count(index="clients")["count"] == 10002
answer = client.reindex(source={"index": "client-1"}, dest={"index": "client-3"}, refresh=True)
assert answer["created"] == 5001, answer
for ok, item in helpers.streaming_bulk(client, [{"_op_type": "delete", "_index": "client-3", "_id": "first"}]):
    assert ok, item

# Searches: aggregations, pages of a point in time, several at once.
answer = client.search(
    index="client-1", size=0, track_total_hits=True,
    aggs={"hosts": {"terms": {"field": "host"}, "aggs": {"most": {"max": {"field": "bytes"}}}}},
)
buckets = {bucket["key"]: bucket["most"]["value"] for bucket in answer["aggregations"]["hosts"]["buckets"]}
assert buckets == {"a": 4998, "b": 4999, "c": 4997} or buckets == {"a": 4998, "b": 4999, "c": 4997.0}, buckets
kept = client.open_point_in_time(index="client-1", keep_alive="1m")["id"]
seen, after = 0, None
while True:
    page = client.search(pit={"id": kept, "keep_alive": "1m"}, size=1000, sort=[{"bytes": "asc"}, {"_shard_doc": "asc"}], search_after=after)
    hits = page["hits"]["hits"]
    if not hits:
        break
    seen, after = seen + len(hits), hits[-1]["sort"]
assert seen == 5001, seen
assert client.close_point_in_time(id=kept)["succeeded"]
several = client.msearch(index="client-1", searches=[{}, {"size": 1}, {}, {"query": {"term": {"host": "c"}}, "size": 0}])
assert several["responses"][1]["hits"]["total"]["value"] == 1666, several
caps = client.field_caps(index="client-*", fields="*")
assert caps["fields"]["host"]["keyword"]["aggregatable"], caps

# What an operator asks.
assert client.cluster.health()["status"] == "green"
assert any(row["index"] == "client-1" for row in client.cat.indices(format="json"))
client.delete_by_query(index="client-1", query={"term": {"host": "a"}}, refresh=True)
assert client.count(index="client-1")["count"] == 5001 - 1668
for name in ["client-1", "client-2", "client-3"]:
    client.indices.delete(index=name)
client.indices.delete_index_template(name="client")
print("ok")
