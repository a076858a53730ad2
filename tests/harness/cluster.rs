//! A cluster of Slurm on this computer: munged, slurmctld and slurmd as plain processes, without
//! systemd and without cgroups. Nodes have one processor each.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::skip;

/// How long anything of the cluster may take.
const DEADLINE: Duration = Duration::from_secs(600);

pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    daemons: Vec<(String, Child)>,
}

/// A process that was started below the cluster.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) words: Vec<String>,
    environment: Vec<String>,
}

impl Process {
    /// Returns a variable of its environment.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let pair = self.environment.iter().find_map(|pair| pair.strip_prefix(name));
        pair.and_then(|rest| rest.strip_prefix('='))
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // It may have ended by itself.
        let _over = kill_process(Pid::from_raw(self.pid).unwrap(), signal);
    }

    /// Returns the process that started it, without its words.
    pub(crate) fn parent(&self) -> Self {
        Self { pid: self.parent_pid(), words: Vec::new(), environment: Vec::new() }
    }

    fn parent_pid(&self) -> i32 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
        // The name in parentheses may hold spaces.
        let rest = stat.rsplit(") ").next().unwrap_or_default();
        rest.split(' ').nth(1).and_then(|pid| pid.parse().ok()).unwrap_or(0)
    }
}

/// Returns the path of a daemon, which may not be on the path of everybody.
fn daemon(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/local/sbin", "/usr/bin", "/usr/local/bin"];
    folders.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

impl Cluster {
    /// Starts a cluster of so many nodes; `None`, with a word, where Slurm is not installed.
    pub(crate) fn start(nodes: u16) -> Option<Self> {
        for name in ["munged", "slurmctld", "slurmd", "sbatch"] {
            if daemon(name).is_none() {
                skip(&format!("{name} is not installed"));
                return None;
            }
        }
        // Munge wants every folder above its socket to be open to everybody.
        let folder = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let mut cluster = Self { folder, daemons: Vec::new() };
        let path = |name: &str| cluster.folder.path().join(name);
        fs::create_dir(path("state")).unwrap();
        fs::write(path("key"), new_key()).unwrap();
        fs::set_permissions(path("key"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(path("slurm.conf"), cluster.configuration(nodes)).unwrap();
        let munge: Vec<String> = ["key-file=key", "socket", "pid-file", "log-file", "seed-file"]
            .iter()
            .map(|option| {
                let (option, name) = option.split_once('=').unwrap_or((option, option));
                format!("--{option}={}", path(name).display())
            })
            .chain(["--foreground".to_owned()])
            .collect();
        cluster.spawn("munged", "munged", &munge);
        cluster.until("munge answers", |cluster| cluster.folder.path().join("socket").exists());
        cluster.spawn("slurmctld", "slurmctld", &["-D".to_owned()]);
        for node in 1..=nodes {
            cluster.start_node(&format!("n{node}"));
        }
        cluster.until("all nodes are idle", |cluster| {
            let idle = cluster.ask("sinfo", &["--noheader", "--states=idle", "--format=%D"]);
            idle.trim() == nodes.to_string()
        });
        Some(cluster)
    }

    fn configuration(&self, nodes: u16) -> String {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let said = |command: &mut Command| {
            String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
        };
        let host = said(Command::new("hostname").arg("-s"));
        let user = said(Command::new("id").arg("-un"));
        let ports = free_ports(usize::from(nodes) + 1);
        let nodes: String = ports[1..]
            .iter()
            .enumerate()
            .map(|(place, port)| {
                let name = place + 1;
                format!(
                    "NodeName=n{name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1\n"
                )
            })
            .collect();
        // Munge's credentials end after six seconds, and so does the rest of a job that was put
        // back into the queue; two minutes otherwise.
        format!(
            "ClusterName=triage\nSlurmctldHost={host}(127.0.0.1)\nSlurmctldPort={}\n\
             SlurmUser={user}\nSlurmdUser={user}\nAuthType=auth/munge\n\
             AuthInfo=socket={},cred_expire=6\nStateSaveLocation={}\nSlurmdSpoolDir={}\n\
             SlurmctldPidFile={}\nSlurmdPidFile={}\nSlurmctldLogFile={}\nSlurmdLogFile={}\n\
             ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n\
             SelectType=select/cons_tres\nSelectTypeParameters=CR_Core\n\
             JobAcctGatherType=jobacct_gather/none\n\
             AccountingStorageType=accounting_storage/none\n\
             MpiDefault=none\nSwitchType=switch/none\n\
             ReturnToService=2\nSlurmdTimeout=3\nMessageTimeout=2\nTCPTimeout=1\nKillWait=2\n\
             SchedulerParameters=sched_interval=1,bf_interval=1\nLicenses=nas1:1\n\
             JobCompType=jobcomp/filetxt\nJobCompLoc={}\n\
             {nodes}PartitionName=all Nodes=ALL Default=YES State=UP\n",
            ports[0],
            at("socket"),
            at("state"),
            at("spool-%n"),
            at("slurmctld.pid"),
            at("slurmd-%n.pid"),
            at("slurmctld.log"),
            at("slurmd-%n.log"),
            at("jobs"),
        )
    }

    fn spawn(&mut self, name: &str, program: &str, args: &[String]) {
        let errors = fs::File::create(self.folder.path().join(format!("{name}.err"))).unwrap();
        let child = Command::new(daemon(program).unwrap())
            .args(args)
            .env("SLURM_CONF", self.conf())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap();
        self.daemons.push((name.to_owned(), child));
    }

    /// Starts the daemon of a node, for the first time or again.
    pub(crate) fn start_node(&mut self, node: &str) {
        self.spawn(node, "slurmd", &["-D".to_owned(), "-N".to_owned(), node.to_owned()]);
    }

    /// Kills the daemon of a node. What runs on the node runs on.
    pub(crate) fn kill_daemon(&mut self, node: &str) {
        for (_, child) in self.daemons.iter_mut().filter(|(name, _)| name == node) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        self.daemons.retain(|(name, _)| name != node);
    }

    /// Kills everything on a node, from above, as if its power were cut.
    pub(crate) fn cut_power(&mut self, node: &str) {
        self.kill_daemon(node);
        let tasks: Vec<Process> = self.processes().into_iter().filter(|p| is_on(p, node)).collect();
        // The daemon's children first: they would report the end of the others.
        for step in tasks.iter().map(Process::parent) {
            let name = fs::read_to_string(format!("/proc/{}/comm", step.pid)).unwrap_or_default();
            if name.trim() == "slurmstepd" {
                step.signal(Signal::KILL);
            }
        }
        tasks.iter().for_each(|task| task.signal(Signal::KILL));
    }

    /// Returns the file that tells programs of this cluster.
    pub(crate) fn conf(&self) -> PathBuf {
        self.folder.path().join("slurm.conf")
    }

    /// Runs a program of Slurm and returns what it says.
    pub(crate) fn ask(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        let output = command.args(args).env("SLURM_CONF", self.conf()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Returns what the controller notes of every job that has ended, as pairs of words.
    pub(crate) fn ended(&self) -> Vec<Vec<(String, String)>> {
        let text = fs::read_to_string(self.folder.path().join("jobs")).unwrap_or_default();
        let pairs = |line: &str| {
            let words = line.split(' ').filter_map(|word| word.split_once('='));
            words.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        text.lines().map(pairs).collect()
    }

    /// Returns the words of the controller.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("slurmctld.log")).unwrap_or_default()
    }

    /// Returns what runs below this cluster, tasks and daemons.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let conf = self.conf().display().to_string();
        let words = |path: String| {
            let bytes = fs::read(path).unwrap_or_default();
            let words = bytes.split(|&byte| byte == 0).filter(|word| !word.is_empty());
            words.map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>()
        };
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let environment = words(format!("/proc/{pid}/environ"));
            if environment.iter().any(|pair| pair.strip_prefix("SLURM_CONF=") == Some(&conf)) {
                found.push(Process {
                    pid,
                    words: words(format!("/proc/{pid}/cmdline")),
                    environment,
                });
            }
        }
        found
    }

    /// Waits until something holds.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let queue = || self.ask("squeue", &["--array"]);
            assert!(start.elapsed() < DEADLINE, "{what}: no\n{}\n{}", queue(), self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Says whether a process is a task of a node.
pub(crate) fn is_on(process: &Process, node: &str) -> bool {
    process.variable("SLURMD_NODENAME") == Some(node)
}

/// A key of 32 bytes that no other cluster of this computer has.
fn new_key() -> Vec<u8> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = format!("{} {}", now.as_nanos(), std::process::id());
    let digests = triage_hash::hash_bytes("sha256".parse().unwrap(), seed.as_bytes());
    digests.iter().flat_map(|digest| digest.as_bytes().to_vec()).collect()
}

/// Returns ports that nobody listens on.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<_> =
        (0..count).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The controller first, so that it starts nothing new; then all that is left of tasks.
        for (_, child) in self.daemons.iter_mut().rev() {
            let _over = child.kill();
            let _over = child.wait();
        }
        for process in self.processes() {
            process.signal(Signal::KILL);
        }
    }
}
