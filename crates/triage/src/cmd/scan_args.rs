//! What can be typed behind `scan`, and how it becomes values.

use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use triage_case::Particulars;
use triage_evidence::Location;
use triage_hash::Algorithms;
use triage_scan::{Execution, IoMode};
use triage_walk::{Evidence, LocationRange, OpenAs, Scope, WalkPlan};

use crate::failure::Failure;
use crate::profile::Profile;
use crate::set_args::SetArgs;
use crate::trust::TrustArgs;
use crate::{exit, measure, shown};

/// How the storage is read.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Io {
    /// As `hdd` if the kernel says that the disk spins, or does not know
    Auto,
    /// Many readers at once
    Ssd,
    /// One reader at a time, in the order in which contents lie on the medium
    Hdd,
}

/// What SRC is taken for.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum TakenFor {
    /// A disk if it is a device, or an image by its signature, its tables or its name
    #[default]
    Auto,
    /// A folder, or one file whatever it holds
    Files,
    /// A disk, even if nothing in it is recognised
    Disk,
}

/// Walk evidence, hash every file once, match, and leave a sealed package
///
/// Reads a disk image, a device, a mounted folder or a single file without changing it: every name
/// met becomes one line of the package's manifest, whether its content could be read or not. Each
/// hit is printed the moment it is found. If anything in scope was not read, the exit code is 3 or
/// 4, never 0 or 1.
///
/// Examples:
///   triage scan /mnt/exhibit --sets known.txt --case CASE-42
///   triage scan /mnt/exhibit --sets a.thx --case C --exhibit AB/1 --sign-key lab.key
///   triage scan exhibit.E01 --sets known.txt --case CASE-42
///   triage scan /mnt/exhibit --sets known.txt --case VISIT-2 --since VISIT-1
///   triage scan --resume --case CASE-42
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ScanArgs {
    /// The evidence: a disk image (the first file of it), a block device, a folder, or a file
    #[arg(value_name = "SRC", required_unless_present = "resume")]
    pub(crate) source: Option<PathBuf>,
    /// The package to write: a folder that does not exist yet, outside the evidence
    #[arg(long, value_name = "DIR", env = "TRIAGE_CASE")]
    pub(crate) case: PathBuf,
    #[command(flatten)]
    pub(crate) sets: SetArgs,
    /// Go on with an interrupted scan; the plan is the one stored in the package
    #[arg(long, conflicts_with_all = ["source", "sets", "scope", "files_from", "after", "until", "max_size", "size_filter", "taken_for", "since", "known_from"])]
    pub(crate) resume: bool,
    #[command(flatten)]
    pub(crate) question: QuestionArgs,
    #[command(flatten)]
    pub(crate) since: SinceArgs,
    /// The rules that the scan keeps to; they are named in the package
    #[arg(long, value_name = "NAME", env = "TRIAGE_PROFILE")]
    pub(crate) profile: Option<Profile>,
    #[command(flatten)]
    pub(crate) particulars: ParticularsArgs,
    #[command(flatten)]
    pub(crate) signing: SigningArgs,
    #[command(flatten)]
    pub(crate) execution: ExecutionArgs,
    /// Put these forms of the report into the package too, under its seal: pdf, csv, dfxml, case,
    /// vics, hashdeep, parquet
    #[arg(long, value_name = "FORMS", value_delimiter = ',', env = "TRIAGE_REPORT")]
    pub(crate) report: Vec<String>,
    /// Exit with 0 instead of 1 and 3 instead of 4, for scripts that stop at hits
    #[arg(long)]
    pub(crate) exit_zero: bool,
}

/// What an earlier examination says.
#[derive(Args, Debug, Default)]
pub(crate) struct SinceArgs {
    /// Do not read files that are untouched since this earlier package was made: the same location,
    /// device, inode, size, times of modification and of inode change. Their digests are carried
    /// over, marked and counted apart. The package must verify. The report tells what is new,
    /// changed, gone and moved
    #[arg(long, value_name = "PACKAGE", conflicts_with_all = ["files_from", "after", "until"])]
    pub(crate) since: Option<PathBuf>,
    /// Who is trusted for the seals of that package.
    #[command(flatten)]
    pub(crate) trust: TrustArgs,
}

/// What of the evidence is read.
#[derive(Args, Debug, Default)]
pub(crate) struct QuestionArgs {
    /// The digests to compute: any of md5, sha1, sha256, sha512, sha3-256, blake3
    #[arg(long, value_name = "LIST", default_value = "md5,sha1,sha256", env = "TRIAGE_ALGORITHMS")]
    pub(crate) algorithms: String,
    /// A TOML file that says what may be read: include, exclude, sizes, dates
    #[arg(long, value_name = "FILE")]
    pub(crate) scope: Option<PathBuf>,
    /// Read exactly the locations in this file (`-`: standard input), one a line, as the manifest
    /// writes them; one that is not there becomes a record and leaves the scan incomplete
    #[arg(long, value_name = "FILE")]
    pub(crate) files_from: Option<PathBuf>,
    /// The paths of --files-from end with NUL and are raw bytes, as `find -print0` writes them;
    /// they cannot name streams or deleted entries
    #[arg(short = '0', long = "null", requires = "files_from")]
    pub(crate) null: bool,
    /// Examine only what comes behind this location in the order of the manifest
    #[arg(long, value_name = "LOCATION")]
    pub(crate) after: Option<String>,
    /// Examine only what comes up to this location in the order of the manifest
    #[arg(long, value_name = "LOCATION")]
    pub(crate) until: Option<String>,
    /// Do not open files larger than this, and record them as not examined
    #[arg(long, value_name = "SIZE", value_parser = measure::size)]
    pub(crate) max_size: Option<u64>,
    /// Leave files unread whose exact size no set lists; they are counted as a class of their own.
    /// Needs sets that give the size of every entry
    #[arg(long)]
    pub(crate) size_filter: bool,
    /// What SRC is taken for
    #[arg(long = "as", value_name = "WHAT", default_value = "auto")]
    pub(crate) taken_for: TakenFor,
    /// Leave out other file systems mounted below the evidence
    #[arg(long)]
    pub(crate) one_file_system: bool,
}

/// What a person knows of case and exhibit.
#[derive(Args, Debug, Default)]
pub(crate) struct ParticularsArgs {
    /// The exhibit's number
    #[arg(long, value_name = "NUMBER", env = "TRIAGE_EXHIBIT")]
    exhibit: Option<String>,
    /// The case number
    #[arg(long, value_name = "NUMBER", env = "TRIAGE_CASE_NUMBER")]
    case_number: Option<String>,
    /// The examiner's name
    #[arg(long, value_name = "NAME", env = "TRIAGE_EXAMINER")]
    examiner: Option<String>,
    /// The examiner's organisation
    #[arg(long, value_name = "NAME", env = "TRIAGE_ORGANISATION")]
    organisation: Option<String>,
    /// The warrant, order or consent
    #[arg(long, value_name = "TEXT")]
    authority: Option<String>,
    /// A TOML file with all particulars: case, exhibit, examiner, organisation, authority, request,
    /// description, notes, [device] make, model, serial, capacity, `seal_no`, `write_protection`
    #[arg(long, value_name = "FILE")]
    particulars: Option<PathBuf>,
}

/// Who signs the seal.
#[derive(Args, Debug, Default)]
pub(crate) struct SigningArgs {
    /// Sign the seal with this Ed25519 key in the format of OpenSSH (`triage custody keygen`)
    #[arg(long, value_name = "FILE", env = "TRIAGE_SIGN_KEY")]
    pub(crate) sign_key: Option<PathBuf>,
    /// The passphrase of the key is the first line of this file
    #[arg(long, value_name = "FILE", env = "TRIAGE_PASSPHRASE_FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Sign with a key that the running ssh-agent holds, such as one on a token: its `.pub` file or
    /// its fingerprint
    #[arg(long, value_name = "KEY", env = "TRIAGE_SIGN_AGENT", conflicts_with = "sign_key")]
    pub(crate) sign_agent: Option<String>,
    /// The socket of the ssh-agent; nothing leaves this computer
    #[arg(long, value_name = "SOCKET", env = "SSH_AUTH_SOCK", hide_env_values = true)]
    pub(crate) agent_socket: Option<PathBuf>,
    /// The name under which the key is known, such as an address; else the key's comment
    #[arg(long, value_name = "NAME", env = "TRIAGE_SIGNER")]
    pub(crate) signer: Option<String>,
    /// Sign the seal with this key of a certificate too, or alone: RSA or ECDSA, PKCS #8 in PEM
    #[arg(long, value_name = "FILE", env = "TRIAGE_CMS_KEY", requires = "cms_chain")]
    pub(crate) cms_key: Option<PathBuf>,
    /// The certificate of that key and those above it, in PEM
    #[arg(long, value_name = "FILE", env = "TRIAGE_CMS_CHAIN")]
    pub(crate) cms_chain: Option<PathBuf>,
    /// The passphrase of that key is the first line of this file
    #[arg(long, value_name = "FILE", env = "TRIAGE_CMS_PASSPHRASE_FILE", requires = "cms_key")]
    pub(crate) cms_passphrase_file: Option<PathBuf>,
}

impl SigningArgs {
    /// Says whether somebody signs: with a key, an agent or a certificate.
    pub(crate) const fn signs(&self) -> bool {
        self.sign_key.is_some() || self.sign_agent.is_some() || self.cms_key.is_some()
    }

    /// Returns the options that name files, as they are handed on to another process.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        // The socket is in everybody's environment: without an agent it means nothing.
        let socket = self.agent_socket.as_deref().filter(|_| self.sign_agent.is_some());
        let paths = [
            ("--sign-key", self.sign_key.as_deref()),
            ("--passphrase-file", self.passphrase_file.as_deref()),
            ("--agent-socket", socket),
            ("--cms-key", self.cms_key.as_deref()),
            ("--cms-chain", self.cms_chain.as_deref()),
            ("--cms-passphrase-file", self.cms_passphrase_file.as_deref()),
        ];
        paths.into_iter().filter_map(|(option, path)| Some((option, path?)))
    }

    /// Returns the options that name keys and people.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let names =
            [("--sign-agent", self.sign_agent.as_deref()), ("--signer", self.signer.as_deref())];
        names.into_iter().filter_map(|(option, name)| Some((option, name?)))
    }
}

/// How this computer does it.
#[derive(Args, Debug)]
pub(crate) struct ExecutionArgs {
    /// Threads that read and hash; else one for each processor
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), env = "TRIAGE_THREADS")]
    threads: Option<u16>,
    /// How the storage is read
    #[arg(long, value_name = "MODE", default_value = "auto")]
    io: Io,
    /// Give up a file when a single read takes longer than this; 0 waits for ever
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = measure::span)]
    read_timeout: Duration,
    /// End after this time and record the rest as not reached
    #[arg(long, value_name = "TIME", value_parser = measure::span)]
    pub(crate) budget: Option<Duration>,
    /// End after this many hits and record the rest as not reached
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) stop_after: Option<u64>,
}

impl ExecutionArgs {
    /// Resolves what is left to this computer.
    pub(crate) fn resolve(&self, evidence: &Evidence) -> Execution {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let one_reader = match self.io {
            Io::Auto => evidence.may_spin(),
            Io::Ssd => false,
            Io::Hdd => true,
        };
        Execution {
            threads: self.threads.map_or(processors, usize::from),
            io: if one_reader { IoMode::OneReader } else { IoMode::Parallel },
            read_timeout: Some(self.read_timeout).filter(|limit| !limit.is_zero()),
            budget: self.budget,
            stop_after: self.stop_after,
        }
    }
}

impl ParticularsArgs {
    /// Reads the file and puts what was typed over it.
    pub(crate) fn resolve(&self, source: &Path) -> Result<Particulars, Failure> {
        let mut particulars = match &self.particulars {
            None => Particulars::default(),
            Some(path) => {
                let text = read_text(path, "the particulars")?;
                toml::from_str(&text).map_err(|error| {
                    Failure::usage("cannot read the particulars")
                        .at(shown::path(path))
                        .because(error.to_string())
                })?
            }
        };
        let put = |typed: &Option<String>, field: &mut String| {
            if let Some(typed) = typed {
                field.clone_from(typed);
            }
        };
        put(&self.exhibit, &mut particulars.exhibit);
        put(&self.case_number, &mut particulars.case);
        put(&self.examiner, &mut particulars.examiner);
        if self.organisation.is_some() {
            particulars.organisation.clone_from(&self.organisation);
        }
        if self.authority.is_some() {
            particulars.authority.clone_from(&self.authority);
        }
        if particulars.exhibit.is_empty() {
            let name = source.file_name().unwrap_or(source.as_os_str());
            particulars.exhibit = triage_evidence::escape(name.as_bytes());
        }
        Ok(particulars)
    }
}

impl TakenFor {
    /// Returns what the evidence is taken for.
    pub(crate) const fn open_as(self) -> OpenAs {
        match self {
            Self::Auto => OpenAs::Whatever,
            Self::Files => OpenAs::Files,
            Self::Disk => OpenAs::Disk,
        }
    }
}

impl QuestionArgs {
    /// Returns what the evidence is taken for.
    pub(crate) const fn open_as(&self) -> OpenAs {
        self.taken_for.open_as()
    }

    /// Returns the digests that were asked for.
    pub(crate) fn algorithms(&self) -> Result<Algorithms, Failure> {
        self.algorithms
            .parse()
            .map_err(|error| Failure::usage("cannot use --algorithms").caused_by(&error))
    }

    /// Returns what is to be walked.
    pub(crate) fn walk(&self, source: &Path) -> Result<WalkPlan, Failure> {
        let scope = match &self.scope {
            None => Scope::everything(),
            Some(path) => Scope::from_toml(&read_text(path, "the scope")?)
                .map_err(|error| Failure::from(error).at(shown::path(path)))?,
        };
        let mut plan = WalkPlan {
            scope,
            max_size_bytes: self.max_size,
            one_file_system: self.one_file_system,
            range: LocationRange {
                after: self.after.as_deref().map(location).transpose()?,
                until: self.until.as_deref().map(location).transpose()?,
            },
            ..WalkPlan::default()
        };
        if let Some(list) = &self.files_from {
            let named = locations(list, self.null, source)?;
            refuse_forbidden(&plan.scope, &named)?;
            plan.set_files(named)?;
        }
        Ok(plan)
    }
}

/// What the scope excludes may not be asked for by name: nothing is read then.
fn refuse_forbidden(scope: &Scope, named: &[Location]) -> Result<(), Failure> {
    let forbidden = named.iter().find_map(|at| scope.forbids(at).map(|rule| (at, rule)));
    let Some((at, rule)) = forbidden else { return Ok(()) };
    Err(Failure::new(exit::REFUSED, "the scope forbids what the list of files asks for")
        .at(at.to_string())
        .because(format!("the rule {} of --scope", triage_evidence::escape(rule.as_bytes())))
        .hint("nothing was read; take it from the list, or have the scope widened"))
}

fn location(text: &str) -> Result<Location, Failure> {
    Location::from_text(text).map_err(|error| {
        Failure::usage("cannot read a location").at(text.to_owned()).caused_by(&error)
    })
}

/// Reads a text file of ours.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("cannot read {what}")).at(shown::path(path)).caused_by(&error)
    })
}

/// Reads a list of paths below the evidence, or absolute ones that lie in it.
fn locations(list: &Path, null: bool, source: &Path) -> Result<Vec<Location>, Failure> {
    let failed = |error: &std::io::Error| {
        Failure::usage("cannot read the list of files").at(shown::path(list)).caused_by(error)
    };
    let mut bytes = Vec::new();
    if list == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    } else {
        bytes = std::fs::read(list).map_err(|error| failed(&error))?;
    }
    let end = if null { 0 } else { b'\n' };
    let root = source.as_os_str().as_bytes();
    let mut locations = Vec::new();
    for path in bytes.split(|&byte| byte == end).filter(|path| !path.is_empty()) {
        let raw = if null {
            path.to_vec()
        } else {
            let text = String::from_utf8(path.to_vec());
            // A line that is no text in our form is taken as the bytes that it is.
            text.ok()
                .and_then(|text| triage_evidence::unescape(&text).ok())
                .unwrap_or(path.to_vec())
        };
        let below = raw.strip_prefix(root).and_then(|rest| rest.strip_prefix(b"/"));
        let raw = below.map(<[u8]>::to_vec).unwrap_or(raw);
        let raw = raw.strip_prefix(b"./").map(<[u8]>::to_vec).unwrap_or(raw);
        // The root of the exhibit stands in the manifest as a dot.
        let raw = if raw == b"." || raw == root { Vec::new() } else { raw };
        locations.push(Location::from_path(raw));
    }
    Ok(locations)
}
