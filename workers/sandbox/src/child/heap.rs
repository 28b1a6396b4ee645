//! Huge pages for the heap. The first touch of each page of 4 KiB costs a fault and a look at the books, which for a fresh
//! child comes to a seventh of a picture; one of 2 MiB costs hardly more than being cleared.
//!
//! glibc has a setting for this (`glibc.malloc.hugetlb=1`), which up to 2.36 at least works by chance: it compares the
//! kernel's mode with text that it does not end (`__malloc_thp_mode` in sysdeps/unix/sysv/linux/malloc-hugepages.c). So
//! the service has the allocator take its heap in one large step before `main` (`MALLOC_TOP_PAD_`), and here is said what
//! it is for. What a child needs beyond it comes in small pages.

/// Asks for huge pages in all of the heap. A kernel without them has none to give, and where nobody may look at memory
/// none are asked for: neither is trouble.
pub(super) fn in_huge_pages() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    if let Some((start, end)) = maps.lines().find_map(heap) {
        advise(start, end - start);
    }
}

/// From a line of proc_pid_maps(5).
fn heap(line: &str) -> Option<(usize, usize)> {
    let (from, to) = line.strip_suffix("[heap]")?.split_once(' ')?.0.split_once('-')?;
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some((number(from)?, number(to)?)).filter(|(from, to)| from < to)
}

#[expect(
    unsafe_code,
    reason = "madvise(2) takes an address; this advice changes what no byte of the range is"
)]
fn advise(start: usize, length: usize) {
    let start = std::ptr::with_exposed_provenance_mut(start);
    // SAFETY: the kernel checks the range, and the advice concerns how pages are given, not what they hold.
    let advised = unsafe { rustix::mm::madvise(start, length, rustix::mm::Advice::LinuxHugepage) };
    // A kernel without such pages knows no such advice.
    let _ = advised;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_heap_is_the_heap() {
        let line = "55de7678e000-55de77800000 rw-p 00000000 00:00 0                          [heap]";
        assert_eq!(heap(line), Some((0x55de_7678_e000, 0x55de_7780_0000)));
        for other in [
            "7f7103768000-7f7103768fff rw-p 00000000 00:00 0 [stack]",
            "55de77800000-55de7678e000 rw-p 00000000 00:00 0 [heap]",
            "no-range rw-p [heap]",
            "[heap]",
            "",
        ] {
            assert_eq!(heap(other), None, "{other}");
        }
    }
}
