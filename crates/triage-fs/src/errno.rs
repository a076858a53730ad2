//! The names of the operating system's errors, as a report prints them.

use rustix::io::Errno;
use triage_evidence::{Problem, ProblemKind};

/// Returns the problem of a call that failed.
pub(crate) fn problem(what: &str, errno: Errno) -> Problem {
    let meaning = match errno {
        Errno::ACCESS => "permission denied",
        Errno::PERM => "operation not permitted",
        Errno::NOENT => "no such entry",
        Errno::IO => "the device reported an input/output error",
        Errno::LOOP => "it is a symbolic link",
        Errno::NOTDIR => "it is not a directory",
        Errno::STALE => "the file server does not know the file any more",
        Errno::TIMEDOUT => "the device or server did not answer in time",
        Errno::MFILE | Errno::NFILE => "too many files are open",
        Errno::NODATA => "the device has no data for this place",
        _ => "the operating system refused",
    };
    Problem::new(ProblemKind::Unreadable, format!("{what}: {meaning}")).with_code(code(errno))
}

/// Returns the name of an error, such as `EIO`.
fn code(errno: Errno) -> String {
    let name = match errno {
        Errno::ACCESS => "EACCES",
        Errno::BADF => "EBADF",
        Errno::BUSY => "EBUSY",
        Errno::FBIG => "EFBIG",
        Errno::INTR => "EINTR",
        Errno::INVAL => "EINVAL",
        Errno::IO => "EIO",
        Errno::ISDIR => "EISDIR",
        Errno::LOOP => "ELOOP",
        Errno::MFILE => "EMFILE",
        Errno::NAMETOOLONG => "ENAMETOOLONG",
        Errno::NFILE => "ENFILE",
        Errno::NODATA => "ENODATA",
        Errno::NODEV => "ENODEV",
        Errno::NOENT => "ENOENT",
        Errno::NOMEM => "ENOMEM",
        Errno::NOTCONN => "ENOTCONN",
        Errno::NOTDIR => "ENOTDIR",
        Errno::NXIO => "ENXIO",
        Errno::OVERFLOW => "EOVERFLOW",
        Errno::PERM => "EPERM",
        Errno::STALE => "ESTALE",
        Errno::TIMEDOUT => "ETIMEDOUT",
        _ => return format!("errno {}", errno.raw_os_error()),
    };
    name.to_owned()
}
