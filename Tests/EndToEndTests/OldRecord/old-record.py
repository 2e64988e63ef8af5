#!/usr/bin/env python3
"""A record as version 0.1 left it, and how far a gateway is with it.

    old-record.py make FOLDER OLD YOUNG BYTES    records of two hours ago, then some of ten minutes ago
    old-record.py wait FOLDER bodies|rows|old N  ends when no more than so many are left
    old-record.py count FOLDER                   what is there now, as JSON

`bodies` are those in the database, `rows` those in the table of 0.1, `old` those of more than an hour ago in both
tables. The schema is what a gateway of version 0.1.0 made. `wait` and `count` open the database for reading alone, so
that nothing is repaired before the next start.
"""

import json
import sqlite3
import sys
import time

SCHEMA = """
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES ('1: records'), ('records 43: image_input_tokens'),
    ('records 44: image_output_tokens'), ('records 45: service_tier');
CREATE TABLE records (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, journal TEXT NOT NULL,
    exchange INTEGER NOT NULL, accepted_us INTEGER NOT NULL, method TEXT NOT NULL, target TEXT NOT NULL,
    dialect TEXT NOT NULL, chain TEXT NOT NULL, vendor TEXT NOT NULL, model TEXT NOT NULL,
    answering_model TEXT NOT NULL, key TEXT NOT NULL, outcome TEXT NOT NULL, status INTEGER NOT NULL,
    attempts TEXT NOT NULL, attempt_count INTEGER NOT NULL, answered INTEGER NOT NULL, request_us INTEGER NOT NULL,
    head_us INTEGER, content_us INTEGER, last_byte_us INTEGER, end_us INTEGER NOT NULL, is_stream INTEGER NOT NULL,
    request_bytes INTEGER NOT NULL, response_bytes INTEGER NOT NULL, input_tokens INTEGER, output_tokens INTEGER,
    cache_read_tokens INTEGER, cache_write_tokens INTEGER, cache_write_long_tokens INTEGER, reasoning_tokens INTEGER,
    audio_input_tokens INTEGER, audio_output_tokens INTEGER, usage_state TEXT NOT NULL, usage TEXT NOT NULL,
    finish_reason TEXT NOT NULL, error_kind TEXT NOT NULL, error_message TEXT NOT NULL,
    dropped_frames INTEGER NOT NULL, trace TEXT NOT NULL, cost_nanodollars INTEGER, price_version TEXT NOT NULL,
    image_input_tokens INTEGER, image_output_tokens INTEGER, service_tier TEXT NOT NULL DEFAULT '') STRICT;
CREATE TABLE bodies (number INTEGER PRIMARY KEY, request_fields TEXT NOT NULL, request_body BLOB NOT NULL,
    request_total INTEGER NOT NULL, response_fields TEXT NOT NULL, response_body BLOB NOT NULL,
    response_total INTEGER NOT NULL) STRICT;
CREATE INDEX records_accepted ON records (accepted_us);
CREATE TABLE rollups (
    minute INTEGER NOT NULL, vendor TEXT NOT NULL, model TEXT NOT NULL,
    calls INTEGER NOT NULL, failed INTEGER NOT NULL, failovers INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL,
    without_usage INTEGER NOT NULL, cost_nanodollars INTEGER NOT NULL,
    without_cost INTEGER NOT NULL, content_times TEXT NOT NULL,
    PRIMARY KEY (minute, vendor, model)
) STRICT, WITHOUT ROWID;
CREATE TABLE open_frames (
    journal TEXT NOT NULL, exchange INTEGER NOT NULL, position INTEGER NOT NULL,
    frames BLOB NOT NULL,
    PRIMARY KEY (journal, exchange, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE sinks (
    name TEXT PRIMARY KEY, number INTEGER NOT NULL, delivered INTEGER NOT NULL,
    quarantined INTEGER NOT NULL, skipped INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (
    sink TEXT NOT NULL, number INTEGER NOT NULL, id TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (sink, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE journals (
    name TEXT PRIMARY KEY, cursor INTEGER NOT NULL,
    stored INTEGER NOT NULL, lost INTEGER NOT NULL,
    emitted INTEGER NOT NULL, dropped INTEGER NOT NULL, is_ended INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

ROW = {
    "journal": "01M8P25JDVDRK9H19ZK5M5NBY4", "method": "POST", "target": "/v1/chat/completions", "dialect": "openai",
    "chain": "", "vendor": "openai", "model": "gpt-4o", "answering_model": "gpt-4o", "key": "", "outcome": "complete",
    "status": 200, "attempts": '[{"vendor":"openai","began_us":0,"head_us":468,"status":200}]', "attempt_count": 1,
    "answered": 1, "request_us": 0, "head_us": 468, "content_us": 468, "last_byte_us": 568, "end_us": 568,
    "is_stream": 0, "input_tokens": 14, "output_tokens": 8, "reasoning_tokens": 0, "usage_state": "reported",
    "usage": '{"prompt_tokens":14,"completion_tokens":8,"total_tokens":22}', "finish_reason": "stop",
    "error_kind": "", "error_message": "", "dropped_frames": 0, "trace": "", "price_version": "",
}


def name(number):
    """The identifier of a record: its 26 characters end with its number."""
    return f"01M8P25KBD7F45S7YR{number:08d}"


def make(folder, old, young, size):
    db = sqlite3.connect(f"{folder}/weir.db", isolation_level=None)
    for line in ["PRAGMA page_size = 16384", "PRAGMA auto_vacuum = 2", "PRAGMA journal_mode = WAL"]:
        db.execute(line)
    db.executescript(SCHEMA)
    now = int(time.time() * 1_000_000)
    fields = "Content-Type: application/json\r\n"
    keys = list(ROW) + ["number", "id", "exchange", "accepted_us", "request_bytes", "response_bytes"]
    insert = f"INSERT INTO records ({', '.join(keys)}) VALUES ({', '.join('?' for _ in keys)})"
    db.execute("BEGIN")
    minutes = {}
    for number in range(1, old + young + 1):
        age = 7200 if number <= old else 600
        accepted = now - age * 1_000_000 + number
        request = (f'{{"model":"gpt-4o","number":{number},"text":"' + "".join(
            f"{(number * 7919 + i) % 99991} " for i in range(size // 6)) + '"}').encode()
        answer = f'{{"number":{number}}}'.encode()
        db.execute(insert, [*ROW.values(), number, name(number), number, accepted, len(request), len(answer)])
        db.execute("INSERT INTO bodies VALUES (?, ?, ?, ?, ?, ?, ?)",
                   [number, fields, request, len(request), fields, answer, len(answer)])
        minutes[accepted // 60_000_000] = minutes.get(accepted // 60_000_000, 0) + 1
    for minute, calls in minutes.items():
        db.execute("INSERT INTO rollups VALUES (?, 'openai', 'gpt-4o', ?, 0, 0, ?, ?, 0, 0, 0, 0, ?, ?)",
                   [minute, calls, 14 * calls, 8 * calls, calls, f"154:{calls}"])
    db.execute("INSERT INTO journals VALUES (?, 4096, ?, 0, ?, 0, 1)", [ROW["journal"], old + young, old + young])
    db.execute("COMMIT")
    db.close()


def tables(db):
    return {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def number(db, sql, *values):
    return db.execute(sql, values).fetchone()[0] or 0


def count(db, what, hour_ago):
    if what == "bodies":
        return number(db, "SELECT count(*) FROM bodies")
    if what == "rows":
        return number(db, "SELECT count(*) FROM records")
    return sum(number(db, f"SELECT count(*) FROM {table} WHERE accepted_us < ?", hour_ago)
               for table in {"records", "exchanges"} & tables(db))


def reading(folder):
    return sqlite3.connect(f"file:{folder}/weir.db?mode=ro", uri=True, isolation_level=None, timeout=30)


def main():
    command, folder, *rest = sys.argv[1:]
    hour_ago = int((time.time() - 3600) * 1_000_000)
    if command == "make":
        return make(folder, *(int(value) for value in rest))
    db = reading(folder)
    if command == "wait":
        while (left := count(db, rest[0], hour_ago)) > int(rest[1]):
            time.sleep(0.001)
        return print(f"reached {left}", flush=True)
    there = {what: count(db, what, hour_ago) for what in ["bodies", "rows", "old"]}
    exchanges = number(db, "SELECT count(*) FROM exchanges") if "exchanges" in tables(db) else 0
    removed = number(db, "SELECT sum(rows) FROM removals") if "removals" in tables(db) else 0
    # Neither more nor fewer than were stored.
    there["difference"] = number(db, "SELECT sum(stored) FROM journals") - removed - there["rows"] - exchanges
    print(json.dumps(there | {"removed": removed}), flush=True)


main()
