//! Memory that the C library holds and nobody uses: less of it, and given back to the system.
//!
//! glibc gives threads up to eight heaps a core, and what is freed in the middle of one stays with
//! it: after an hour of mixed work a service used 75 MiB and held 62 MiB more, most of it in heaps
//! of which each held some that was in use. Elsewhere nothing is done. A crate of its own, so that the rest of the service can forbid unsafe code.

/// Has all threads together use one heap a core; whether that could be had. For the beginning of a
/// program: heaps that are there stay.
pub fn one_a_core() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = libc::c_int::try_from(cores).unwrap_or(libc::c_int::MAX);
        // SAFETY: the call takes no pointer, and any thread may make it at any time.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, cores) != 0 }
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    {
        false
    }
}

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

    /// Heaps of the C library that are not its first lie at multiples of 64 MiB, in two mappings.
    fn heaps() -> usize {
        const HEAP: u64 = 64 << 20;
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let of_one = maps.lines().filter(|line| {
            let range = line.split(' ').next().unwrap().split_once('-').unwrap();
            let [from, to] = [range.0, range.1].map(|at| u64::from_str_radix(at, 16).unwrap());
            line.contains(" rw-p 00000000 00:00 0") && from % HEAP == 0 && to - from < HEAP
        });
        of_one.count()
    }

    #[test]
    fn threads_share_a_heap_a_core() {
        assert!(super::one_a_core());
        let cores = std::thread::available_parallelism().unwrap().get();
        let all = std::sync::Barrier::new(8 * cores);
        std::thread::scope(|scope| {
            let threads = (0..8 * cores).map(|_| {
                scope.spawn(|| {
                    let kept = vec![1_u8; 50_000];
                    all.wait();
                    let found = heaps();
                    all.wait();
                    assert_eq!(kept[49_999], 1);
                    found
                })
            });
            let threads: Vec<_> = threads.collect();
            for thread in threads {
                let found = thread.join().unwrap();
                assert!(found <= cores, "{found} heaps for {cores} cores");
            }
        });
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
