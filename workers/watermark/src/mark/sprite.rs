use crate::art::Art;

/// The mark at one size and opacity: premultiplied RGBA and the runs of pixels that are not fully transparent.
pub(super) struct Sprite {
    pub width: u32,
    pub height: u32,
    pub runs: Vec<Run>,
    rgba: Vec<u8>,
}

/// Pixels `from .. to` of row `y` that show something.
pub(super) struct Run {
    pub y: u32,
    pub from: u32,
    pub to: u32,
}

impl Sprite {
    pub(super) fn new(art: &Art, opacity: f32) -> Self {
        let (width, height) = art.size();
        // 256 is full opacity, so that the product needs only a shift.
        let factor = (opacity * 256.0).round() as u32;
        let rgba: Vec<u8> = art.rgba().iter().map(|v| ((u32::from(*v) * factor + 128) >> 8) as u8).collect();
        let rows = rgba.chunks_exact(width as usize * 4);
        let runs = rows.zip(0..).flat_map(|(row, y)| runs_of(row, y)).collect();
        Self { width, height, runs, rgba }
    }

    pub(super) fn pixels(&self, y: u32, from: u32, to: u32) -> &[u8] {
        let row = y as usize * self.width as usize;
        &self.rgba[(row + from as usize) * 4..(row + to as usize) * 4]
    }
}

fn runs_of(row: &[u8], y: u32) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (pixel, x) in row.chunks_exact(4).zip(0..) {
        if pixel[3] == 0 {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.to == x => run.to += 1,
            _ => runs.push(Run { y, from: x, to: x + 1 }),
        }
    }
    runs
}
