use super::View;

/// Where a frame sits on the canvas.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// What becomes of a frame's area before the next frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dispose {
    Keep,
    Clear,
    /// Back to what was there before the frame.
    Restore,
}

/// An RGBA canvas on which the frames of a GIF or APNG are composited, transparent black at first.
#[derive(Debug)]
pub(super) struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    before: Vec<u8>,
    due: Option<(Area, Dispose)>,
}

impl Canvas {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let pixels = vec![0; width as usize * height as usize * 4];
        Self { width, height, pixels, before: Vec::new(), due: None }
    }

    pub(super) fn view(&self) -> View<'_> {
        View { width: self.width, height: self.height, pixels: &self.pixels }
    }

    /// Disposes of the last frame, then draws the next: `frame` is RGBA rows of `area`'s size. What lies outside of the
    /// canvas is not drawn.
    pub(super) fn draw(&mut self, frame: &[u8], area: Area, blend: bool, dispose: Dispose) {
        self.dispose();
        if dispose == Dispose::Restore {
            self.before.clone_from(&self.pixels);
        }
        self.due = Some((area, dispose));
        let visible = area.width.min(self.width.saturating_sub(area.left)) as usize * 4;
        if visible == 0 {
            return;
        }
        for (row, source) in frame.chunks_exact(area.width as usize * 4).enumerate() {
            let Some(target) = row_of(&mut self.pixels, (self.width, self.height), area, row, visible) else {
                break;
            };
            if blend { over(target, &source[..visible]) } else { target.copy_from_slice(&source[..visible]) }
        }
    }

    fn dispose(&mut self) {
        let Some((area, dispose)) = self.due.take() else { return };
        match dispose {
            Dispose::Keep => {}
            Dispose::Restore => std::mem::swap(&mut self.pixels, &mut self.before),
            Dispose::Clear => {
                let visible = area.width.min(self.width.saturating_sub(area.left)) as usize * 4;
                for row in 0..area.height as usize {
                    let Some(target) =
                        row_of(&mut self.pixels, (self.width, self.height), area, row, visible)
                    else {
                        break;
                    };
                    target.fill(0);
                }
            }
        }
    }
}

/// The part of the canvas that row `row` of `area` covers, `None` below the canvas.
fn row_of(
    pixels: &mut [u8],
    (width, height): (u32, u32),
    area: Area,
    row: usize,
    visible: usize,
) -> Option<&mut [u8]> {
    let y = area.top as usize + row;
    let at = (y * width as usize + area.left as usize) * 4;
    if y < height as usize { pixels.get_mut(at..at + visible) } else { None }
}

/// Porter and Duff's *over* for straight alpha, as the APNG specification words it.
fn over(below: &mut [u8], above: &[u8]) {
    let (below, _) = below.as_chunks_mut::<4>();
    let (above, _) = above.as_chunks::<4>();
    for (below, above) in below.iter_mut().zip(above) {
        match above[3] {
            0 => {}
            255 => *below = *above,
            alpha => {
                let u = u32::from(alpha) * 255;
                let v = (255 - u32::from(alpha)) * u32::from(below[3]);
                let sum = u + v;
                for c in 0..3 {
                    below[c] = ((u32::from(above[c]) * u + u32::from(below[c]) * v) / sum) as u8;
                }
                below[3] = (sum / 255) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: [u8; 4] = [255, 0, 0, 255];
    const BLUE: [u8; 4] = [0, 0, 255, 255];
    const NONE: [u8; 4] = [0; 4];

    fn shows(canvas: &Canvas, expected: [[u8; 4]; 2]) {
        assert_eq!(canvas.view().pixels, expected.concat());
    }

    #[test]
    fn frames_are_disposed_of_as_they_ask() {
        let whole = Area { left: 0, top: 0, width: 2, height: 1 };
        let right = Area { left: 1, top: 0, width: 1, height: 1 };
        let mut canvas = Canvas::new(2, 1);
        canvas.draw(&[RED, RED].concat(), whole, true, Dispose::Keep);
        shows(&canvas, [RED, RED]);
        canvas.draw(&BLUE, right, true, Dispose::Restore);
        shows(&canvas, [RED, BLUE]);
        canvas.draw(&NONE, right, true, Dispose::Clear);
        shows(&canvas, [RED, RED]);
        canvas.draw(&NONE, whole, true, Dispose::Keep);
        shows(&canvas, [RED, NONE]);
        canvas.draw(&NONE, Area { left: 0, ..right }, false, Dispose::Keep);
        shows(&canvas, [NONE, NONE]);
    }

    #[test]
    fn what_lies_outside_is_not_drawn() {
        let mut canvas = Canvas::new(2, 1);
        canvas.draw(&[BLUE; 9].concat(), Area { left: 1, top: 0, width: 3, height: 3 }, true, Dispose::Clear);
        shows(&canvas, [NONE, BLUE]);
        canvas.draw(&RED, Area { left: 7, top: 9, width: 1, height: 1 }, false, Dispose::Clear);
        shows(&canvas, [NONE, NONE]);
    }

    #[test]
    fn half_alpha_mixes() {
        let mut canvas = Canvas::new(2, 1);
        let area = Area { left: 0, top: 0, width: 2, height: 1 };
        canvas.draw(&[RED, NONE].concat(), area, true, Dispose::Keep);
        canvas.draw(&[[0, 0, 255, 51], [0, 0, 255, 51]].concat(), area, true, Dispose::Keep);
        shows(&canvas, [[204, 0, 51, 255], [0, 0, 255, 51]]);
    }
}
