/// No profile found on real pictures is larger (print profiles with full tables come near).
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The profile up to its own declared end, or nothing where it is no ICC profile: a place that decoders ignore is a
/// place to hide something in. Header by ICC.1:2022, 7.2: size in bytes 0 to 3, `acsp` in bytes 36 to 39.
pub(super) fn clean(profile: &[u8]) -> Option<&[u8]> {
    let declared = u32::from_be_bytes(profile.get(..4)?.try_into().ok()?) as usize;
    if declared < 128 || profile.get(36..40)? != b"acsp" {
        return None;
    }
    profile.get(..declared)
}
