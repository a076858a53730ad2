//! Reads a whole volume into lines that tests compare.

use std::collections::{BTreeSet, HashSet};
use std::io::Read;
use std::path::PathBuf;

use md5::{Digest, Md5};
use triage_evidence::{
    Chunk, FileSystem, Kind, NameState, Node, NodeId, NodeName, Problem, Stream,
};

/// How deep a volume may be walked before a test fails.
const LIMIT_DEPTH: usize = 200;

/// One name or stream that was met.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Where; of an orphan below `$OrphanFiles`, of a stream behind a colon.
    pub(crate) path: String,
    /// Whether the name exists.
    pub(crate) state: NameState,
    /// The number of the node: of NTFS without the sequence.
    pub(crate) record: u64,
    /// Whether this is a stream beside the content.
    pub(crate) is_stream: bool,
    /// What was found, or why nothing was; `None` for a name that was reallocated.
    pub(crate) node: Option<Result<Node, Problem>>,
    /// The content of a file or stream.
    pub(crate) content: Option<Result<Content, Problem>>,
}

/// What was read of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) md5: String,
    pub(crate) size_bytes: u64,
}

/// Everything that was met.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) lines: Vec<Line>,
    pub(crate) problems: Vec<Problem>,
    /// Directories that were listed: a walk lists each once.
    listed: HashSet<NodeId>,
}

/// Returns a fixture of a folder, unpacked.
pub(crate) fn unpacked(folder: &str, name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let packed = std::fs::read(path.join(format!("{name}.gz"))).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Writes bytes of a name as the expectations are written.
pub(crate) fn escape(name: &[u8]) -> String {
    let byte = |&byte: &u8| match byte {
        b' '..=b'~' if byte != b'\\' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    name.iter().map(byte).collect()
}

/// Opens a content, which must tell to begin where its runs do.
fn open(
    volume: &dyn FileSystem,
    node: NodeId,
    stream: Option<&[u8]>,
) -> Result<Box<dyn Stream>, Problem> {
    let opened = volume.open(node, stream)?;
    let runs = volume.runs(node, stream).unwrap_or_default();
    if let Some(start) = runs.iter().find_map(|run| run.start) {
        assert_eq!(opened.begins_at(), Some(start), "node {}", node.0);
    }
    Ok(opened)
}

/// Reads a stream to its end; holes of any length cost nothing.
pub(crate) fn drain(mut stream: Box<dyn Stream>) -> Result<Content, Problem> {
    let mut digest = Md5::new();
    let mut buffer = vec![0; 64 * 1024];
    let zeros = vec![0; 64 * 1024];
    let mut size_bytes = 0;
    loop {
        match stream.read(&mut buffer)? {
            Chunk::Data(read) => {
                digest.update(&buffer[..read]);
                size_bytes += read as u64;
            }
            Chunk::Hole(bytes) => {
                // A damaged size may be of any length: its zeros are not worth the time.
                let mut left = bytes.min(16 << 20);
                while left > 0 {
                    let step = left.min(zeros.len() as u64);
                    digest.update(&zeros[..step as usize]);
                    left -= step;
                }
                size_bytes += bytes;
            }
            Chunk::End => break,
        }
    }
    let md5 = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Content { md5, size_bytes })
}

impl Reading {
    /// Walks a volume from its root and its orphans and reads every content.
    pub(crate) fn of(volume: &dyn FileSystem) -> Self {
        let mut reading = Self::default();
        reading.problems.extend(volume.facts().problems.iter().cloned());
        reading.directory(volume, volume.root(), "", 0);
        let orphans = volume.orphans();
        reading.problems.extend(orphans.problem);
        reading.names(volume, orphans.names, "$OrphanFiles/", 0);
        reading
    }

    fn directory(&mut self, volume: &dyn FileSystem, node: NodeId, path: &str, depth: usize) {
        assert!(depth < LIMIT_DEPTH, "directories lead in circles at {path}");
        if !self.listed.insert(node) {
            return;
        }
        let listed = volume.list(node);
        self.problems.extend(listed.problem);
        self.names(volume, listed.names, path, depth);
    }

    fn names(&mut self, volume: &dyn FileSystem, names: Vec<NodeName>, path: &str, depth: usize) {
        for name in names {
            let path = format!("{path}{}", escape(&name.name));
            let record = name.node.0 & 0xffff_ffff_ffff;
            let state = name.state;
            if state == NameState::Reallocated {
                let (node, content) = (None, None);
                self.lines.push(Line { path, state, record, is_stream: false, node, content });
                continue;
            }
            let node = volume.examine(name.node);
            let (kind, streams) = match &node {
                Ok(node) => (node.kind, node.streams.clone()),
                Err(_) => (Kind::Unknown, Vec::new()),
            };
            let content =
                (kind == Kind::File).then(|| open(volume, name.node, None).and_then(drain));
            self.lines.push(Line {
                path: path.clone(),
                state,
                record,
                is_stream: false,
                node: Some(node),
                content,
            });
            for stream in streams {
                let content = open(volume, name.node, Some(&stream.name)).and_then(drain);
                self.lines.push(Line {
                    path: format!("{path}:{}", escape(&stream.name)),
                    state,
                    record,
                    is_stream: true,
                    node: None,
                    content: Some(content),
                });
            }
            if kind == Kind::Directory {
                self.directory(volume, name.node, &format!("{path}/"), depth + 1);
            }
        }
    }

    /// Returns everything that was told to be wrong, with where.
    pub(crate) fn troubles(&self) -> BTreeSet<String> {
        let mut found: BTreeSet<_> = self.problems.iter().map(|p| format!(": {p}")).collect();
        for line in &self.lines {
            let node = match &line.node {
                Some(Ok(node)) => node.unread.as_ref(),
                Some(Err(problem)) => Some(problem),
                None => None,
            };
            let content = line.content.as_ref().and_then(|content| content.as_ref().err());
            found.extend(node.into_iter().chain(content).map(|p| format!("{}: {p}", line.path)));
        }
        found
    }
}
