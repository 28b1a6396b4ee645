//! The brightness of frames.

use ffmpeg_next::frame;
use lazaret_sandbox::Why;

/// The brightness of each row, 0 to 255, whatever the depth; without `full` it lies in 219 of 255 parts (ITU-T H.273,
/// 8.3).
pub(crate) fn rows(frame: &frame::Video, full: bool, mut each: impl FnMut(usize, &[u8])) -> Result<(), Why> {
    let Some(deeper) = bits_beyond_eight(frame).filter(|_| frame.planes() > 0) else {
        return Err(Why::new("media.unsupported", "brightness in a form that is not known here"));
    };
    let (least, span) = if full { (0, (256 << deeper) - 1) } else { (16 << deeper, 219 << deeper) };
    let eight = |value: u32| ((value.saturating_sub(least).min(span) * 255 + span / 2) / span) as u8;
    let (width, stride) = (frame.width() as usize, frame.stride(0));
    let mut row = Vec::with_capacity(width);
    for (y, line) in frame.data(0).chunks(stride).take(frame.height() as usize).enumerate() {
        row.clear();
        if deeper == 0 {
            row.extend(line[..width].iter().map(|value| eight(u32::from(*value))));
        } else {
            let values = line.as_chunks::<2>().0.iter().take(width);
            row.extend(values.map(|value| eight(u32::from(u16::from_le_bytes(*value)))));
        }
        each(y, &row);
    }
    Ok(())
}

/// `None` where the first plane is no brightness, or in a form that no decoder here gives.
fn bits_beyond_eight(frame: &frame::Video) -> Option<u32> {
    let name = frame.format().descriptor()?.name();
    if !["gray", "yuv"].iter().any(|of| name.starts_with(of)) || name.starts_with("yuva") {
        return None;
    }
    match name.strip_suffix("le") {
        None => (!name.ends_with("be")).then_some(0),
        Some(deep) if deep.ends_with("10") => Some(2),
        Some(deep) if deep.ends_with("12") => Some(4),
        Some(_) => None,
    }
}
