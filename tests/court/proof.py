"""An implementation of the trees and proofs of a package that shares nothing with the program.

proof.py PACKAGE PROOF...: computes both roots of the package from its manifest, then checks each
proof against them. Written from docs/formats/proof.md and RFC 9162, section 2.1, alone.
"""
import hashlib
import hmac
import json
import pathlib
import sys

NAMES = ("facts", "path", "path_hex", "target", "target_hex")


def sha(data):
    return hashlib.sha256(data).digest()


def canonical(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def tree(leaves):
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha(b"\x01" + tree(leaves[:k]) + tree(leaves[k:]))


def fold(leaf, index, size, nodes):
    """From the top: which side of each split the leaf is on, then join from the bottom."""
    sides = []
    while size > 1:
        k = 1
        while k * 2 < size:
            k *= 2
        if index < k:
            sides.append("left")
            size = k
        else:
            sides.append("right")
            index, size = index - k, size - k
    assert index == 0 and len(sides) == len(nodes), "the path does not fit"
    for side, node in zip(reversed(sides), nodes):
        leaf = sha(b"\x01" + (leaf + node if side == "left" else node + leaf))
    return leaf


def unhex(texts):
    return [bytes.fromhex(text) for text in texts]


package = pathlib.Path(sys.argv[1])
seal = json.loads((package / "seals/0001.json").read_bytes())
seed = bytes.fromhex(json.loads((package / "data/run.json").read_bytes())["salt_seed"])
lines = (package / "data/manifest.ndjson").read_bytes().splitlines()
code = lambda message: hmac.new(seed, message.encode(), "sha256").digest()
leaves, keys = [], set()
for number, line in enumerate(lines):
    record = json.loads(line)
    assert canonical(record) == line, "not canonical"
    redacted = canonical({k: v for k, v in record.items() if k not in NAMES})
    salts = code(str(number))
    whole, without = sha(salts[:16] + line), sha(salts[16:] + redacted)
    leaves.append(sha(b"\x00" + whole + without))
    raw = bytes.fromhex(record["path_hex"]) if "path_hex" in record else record["path"].encode()
    if record["path"] == ".":
        raw = b""
    keys.add(sha(b"path\x00" + raw)[:16])
    for name, digest in record.get("hashes", {}).items():
        keys.add(sha(name.encode() + b"\x00" + bytes.fromhex(digest))[:16])
assert tree(leaves).hex() == seal["manifest"]["merkle_root"], "root of the manifest"
salted = [sha(b"\x00" + code(f"index:{n}")[:16] + key) for n, key in enumerate(sorted(keys))]
assert tree(salted).hex() == seal["index"]["root"], "root of the index"
assert len(keys) == seal["index"]["size"], "size of the index"

for name in sys.argv[2:]:
    proof = json.loads(pathlib.Path(name).read_bytes())
    sealed = json.loads(proof["seal"])
    assert sealed == seal, "another seal"
    if "inclusion" in proof["claim"]:
        claim = proof["claim"]["inclusion"]
        shown = sha(bytes.fromhex(claim["salt"]) + claim["line"].encode())
        other = bytes.fromhex(claim["other"])
        both = other + shown if claim["redacted"] else shown + other
        nodes = unhex(claim["nodes"])
        root = fold(sha(b"\x00" + both), claim["index"], seal["manifest"]["entries"], nodes)
        assert root.hex() == seal["manifest"]["merkle_root"], name
    else:
        claim = proof["claim"]["absence"]
        wanted = sha(claim["kind"].encode() + b"\x00" + bytes.fromhex(claim["value"]))[:16]
        places = {}
        for side in ("left", "right"):
            if side in claim:
                near = claim[side]
                key = bytes.fromhex(near["key"])
                leaf = sha(b"\x00" + bytes.fromhex(near["salt"]) + key)
                root = fold(leaf, near["index"], seal["index"]["size"], unhex(near["nodes"]))
                assert root.hex() == seal["index"]["root"], name
                assert (key < wanted) == (side == "left") and key != wanted, name
                places[side] = near["index"]
        left, right = places.get("left", -1), places.get("right", seal["index"]["size"])
        assert left + 1 == right, name
print("python agrees")
