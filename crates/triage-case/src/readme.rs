//! `data/README-VERIFY.txt`: how to check a package with stock tools only, and the script that
//! checks a proof with them.

/// `data/verify-proof.sh`. The end-to-end tests run it on every kind of proof.
pub(crate) const PROOF_SCRIPT: &str = include_str!("verify-proof.sh");

/// The text. Every command in it is run by the end-to-end tests.
pub(crate) const README: &str = r#"HOW TO CHECK THIS PACKAGE WITHOUT THE PROGRAM THAT MADE IT
Needed: sha256sum (GNU coreutils), ssh-keygen (OpenSSH 8.9 or later), jq for step 4, openssl for
files that end in .p7s and .tsr. The script of step 7 needs OpenSSH 9.1.
First obtain the signer's key fingerprint from somewhere OUTSIDE this package, such as the signed
statement. The copies in keys/ prove nothing by themselves. A package without keys/ and without a
file that ends in .p7s is not signed: then only the digest of seals/0001.json, noted elsewhere, shows that nothing was exchanged.
Run everything from the folder that holds bagit.txt.

1 WHO SEALED IT   ssh-keygen -lf keys/signer.pub       (compare with the statement)
                  ssh-keygen -Y verify -f keys/allowed_signers -I "$(jq -r .signer seals/0001.json)" \
                      -n triage-seal-v1 -s seals/0001.json.sig < seals/0001.json
  If the key ended since, add  -O verify-time=YYYYMMDDHHMMSSZ  with "time" of the seal (OpenSSH 9.1).
  With a certificate, if there is a file that ends in .p7s. ROOT.pem comes from OUTSIDE, too:
                  openssl cms -verify -binary -inform DER -in seals/0001.json.p7s \
                      -content seals/0001.json -CAfile ROOT.pem -purpose any -out /dev/null
  WHEN, if there is a file that ends in .tsr. TSAROOT.pem is the root of the time-stamping authority:
                  openssl ts -verify -data seals/0001.json.sig -in seals/0001.json.sig.tsr -CAfile TSAROOT.pem
                  openssl ts -reply -in seals/0001.json.sig.tsr -text
  If a certificate has ended since, add  -attime SECONDS  with the time of the stamp.
2 WHICH FILES     sha256sum seals/0001.sha256          must equal "files"."sha256" in seals/0001.json
                  sha256sum --strict -c seals/0001.sha256 | cat -v
                  sha256sum --strict -c manifest-sha256.txt tagmanifest-sha256.txt | cat -v
3 THE EVIDENCE    with the exhibit mounted read-only at MOUNT:
                  (cd MOUNT && sha256sum --strict -c PACKAGE/data/evidence.sha256) | cat -v
                  (cd MOUNT && sha256sum --strict -c PACKAGE/data/evidence-escaped.sha256) | cat -v
  If the exhibit is a disk image: with volume N of it mounted read-only at MOUNT/volN. Streams and
  deleted files are in the manifest only: "icat" of The Sleuth Kit gives their content, "fs_id"
  ends in the number that it needs.
  The second list, if it is there, needs GNU coreutils 9 or later. "cat -v" matters: a file name
  may hold control codes that would otherwise drive your terminal. It hides the exit code: every
  line must end with OK, and no WARNING may follow. Without SHA-256 among the
  digests the lists are named for another algorithm and are checked with its tool.
4 THE CUSTODY LOG each line of custody.ndjson holds in "prev" the SHA-256 of the line before it,
                  without its line end:
                  sed -n 1p custody.ndjson | tr -d '\n' | sha256sum      equals "prev" of line 2, ...
                  "custody"."head_sha256" in the seal is that of line number "custody"."events".
5 ONE THING ONLY  "triage custody prove" makes one small file that shows one line of the manifest, or
                  that no line has a path or digest. With sh, sed, sha256sum and xxd:
                  sh data/verify-proof.sh PROOF.json seals/0001.json
  The trees are those of RFC 9162, 2.1, with SHA-256. Leaf N (from 0) of "merkle_root" is
  SHA-256(00 || W || R). W is SHA-256(S || line N), R is SHA-256(T || line N without the keys facts,
  path, path_hex, target, target_hex); no line ends. S and T are the two halves of HMAC-SHA-256 of N
  in decimal digits, keyed with "salt_seed" of data/run.json. They keep a proof for one line from
  being a test for guesses of other lines; whoever has the seed can compute all salts.
  The leaves of "index" are SHA-256(00 || salt || key), the keys sorted and each once. A key is the
  start, 16 bytes, of SHA-256(K || 00 || value), K "path" or the name of the digest; its salt the
  first half of HMAC-SHA-256 of "index:" and the key's place, from 0.
6 LATER SEALS     seals/0002.json, ...: steps 1, 2 and 4 with its number; the signer's key stands in
                  the file that ends in .signer. The newest seal counts.
                  sha256sum seals/0001.json              equals "prev_seal_sha256" of seal 2, ...
7 ALL AT ONCE     verify-with-stock-tools.sh holds the commands for what is in this package. Read it,
                  then run it:  sh verify-with-stock-tools.sh
                  It fails (exit code not 0) if anything does not hold, and says what it did not check
                  (NOT CHECKED) and whom nobody outside vouches for (NOT TRUSTED).

WHAT THE FILES ARE
data/manifest.ndjson  the authority: one line for every entry met, also for those that were not read
data/run.json         what the program measured: itself, this computer, the plan, the counts
data/case.json        what a person typed in
data/verify-proof.sh  checks a proof of one line, or of the absence of a path or digest
data/report/          derived from the manifest; the manifest wins wherever they differ

What this shows: the files are those that were sealed, by the holder of that key.
What it does not: that the exhibit was unaltered before it was first read, nor who put the data on it.
"#;
