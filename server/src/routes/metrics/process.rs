//! The process itself, as the system shows it; what the system does not show is left out.

use super::page::Page;

pub(super) fn figures(page: &mut Page) {
    if let Some(bytes) = resident() {
        let help = "Memory of this process that is in use.";
        page.gauge("process_resident_memory_bytes", help, bytes);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        let help = "Files and sockets that this process has open.";
        page.gauge("process_open_fds", help, files.count() as u64);
    }
}

fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
