//! Files that an image names: a parent, an extent. The name is the image's word: only a plain file
//! in the folder of the image is ever opened.

use std::path::Path;
use std::sync::Arc;

use triage_evidence::{ByteSource, Problem, ProblemKind};

use crate::open::{Image, open_named_image};
use crate::raw::RawFile;

/// The longest chain of parents that is followed: snapshots rarely go deeper than some dozens.
const LIMIT_DEPTH: u32 = 64;

/// Where an image lies, and how many images were opened on the way to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) path: &'a Path,
    pub(crate) depth: u32,
}

impl Place<'_> {
    /// Returns the path of a file that the image names: its last part, in the image's own folder.
    fn beside(&self, name: &str) -> Result<std::path::PathBuf, Problem> {
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        if last.is_empty() || matches!(last, "." | "..") || last.contains('\0') {
            let text = "the image names a file that cannot be one";
            return Err(Problem::new(ProblemKind::Damaged, text));
        }
        Ok(self.path.with_file_name(last))
    }

    /// Opens a file that the image names as it is.
    ///
    /// # Errors
    /// A [`Problem`] if it is not there.
    pub(crate) fn open_raw(&self, name: &str) -> Result<Arc<dyn ByteSource>, Problem> {
        let file = RawFile::open_named(&self.beside(name)?);
        file.map(|file| Arc::new(file) as Arc<dyn ByteSource>).map_err(|problem| missing(&problem))
    }

    /// Opens an image that the image names as its parent.
    ///
    /// # Errors
    /// A [`Problem`] if it is not there, is no image, or is one parent too many.
    pub(crate) fn open_parent(&self, name: &str) -> Result<Image, Problem> {
        if self.depth >= LIMIT_DEPTH {
            let text = format!("the image has more than {LIMIT_DEPTH} parents, or goes in circles");
            return Err(Problem::new(ProblemKind::LimitReached, text));
        }
        let path = self.beside(name)?;
        open_named_image(Place { path: &path, depth: self.depth + 1 })
            .map_err(|problem| missing(&problem))
    }
}

fn missing(problem: &Problem) -> Problem {
    let text = format!("a file that the image needs cannot be opened beside it: {problem}");
    Problem::new(problem.kind, text).with_code(problem.code.clone())
}
