//! Memory that the C library holds and nobody uses, given back to the system.
//!
//! glibc gives threads up to eight heaps a core, and what is freed in the middle of one stays with
//! it: after an hour of mixed work a service held half as much again as it used. Elsewhere nothing
//! is done. A crate of its own, so that the rest of the service can forbid unsafe code.

/// Gives the pages back that hold nothing; whether there were any. It takes some milliseconds,
/// during which other threads may wait for memory.
pub fn trim() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: the call takes no pointer, and any thread may make it at any time.
        unsafe { libc::malloc_trim(0) != 0 }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    {
        false
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    /// Pages of this process that are in memory and of no file.
    fn anonymous_kib() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn what_is_free_between_what_is_used_goes_back() {
        // Blocks too small to be mapped apart, of which every tenth stays.
        let mut blocks: Vec<Option<Vec<u8>>> = (0..2_000).map(|_| Some(vec![1; 50_000])).collect();
        for (n, block) in blocks.iter_mut().enumerate() {
            if n % 10 != 0 {
                *block = None;
            }
        }
        let before = anonymous_kib();
        assert!(super::trim());
        let after = anonymous_kib();
        assert!(blocks.iter().flatten().all(|block| block[49_999] == 1));
        assert!(after + 40_000 < before, "{before} KiB before, {after} after");
    }
}
