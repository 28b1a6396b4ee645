//! How often a stream's frames are judged: more often near a threshold and after a change of scene, less when all is calm
//! and there is much to do. Pure.

use super::rules::{Grade, Rules};
use crate::upload::Standing;
use std::time::Duration;

/// So many frames are judged as fast as may be after anything that stirs.
const ALERT: u32 = 6;
/// From here on two frames show different things: mean difference of a colour value, of 255.
const SCENE: f32 = 32.0;

#[derive(Debug, Clone)]
pub struct Pace {
    fastest: Duration,
    slowest: Duration,
    calm: Duration,
    alert: u32,
}

impl Pace {
    /// A new stream is looked at closely.
    pub fn new(rules: &Rules) -> Self {
        Self { fastest: rules.fastest, slowest: rules.slowest, calm: rules.fastest, alert: ALERT }
    }

    /// The pause after a frame that was judged. `load`: streams that want to be judged now, for each that can be.
    pub fn after(&mut self, grade: Grade, standing: Standing, scene_changed: bool, load: u32) -> Duration {
        if grade > Grade::Clean || scene_changed {
            self.alert = ALERT;
        }
        if standing > Standing::Pass || self.alert > 0 {
            self.alert = self.alert.saturating_sub(1);
            self.calm = self.fastest;
            return self.fastest;
        }
        // From nothing nothing would grow.
        let step = (self.calm / 2).max(self.slowest / 8);
        self.calm = (self.calm + step).min(self.slowest);
        // Never beyond what the deadline allows: `slowest` is at most half of it.
        (self.calm * load.clamp(1, 8)).min(self.slowest)
    }
}

/// Do two frames, at a model's size, show different things?
pub fn is_another_scene(before: &[f32], now: &[f32]) -> bool {
    if before.len() != now.len() || now.is_empty() {
        return true;
    }
    let sum: f32 = before.iter().zip(now).map(|(a, b)| (a - b).abs()).sum();
    sum / now.len() as f32 >= SCENE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::rules::tests::rules;

    #[test]
    fn calm_slows_it_down_and_what_stirs_makes_it_fast() {
        let rules = rules();
        let mut pace = Pace::new(&rules);
        let mut calm =
            |frames| (0..frames).map(|_| pace.after(Grade::Clean, Standing::Pass, false, 1)).collect();
        let first: Vec<Duration> = calm(20);
        assert_eq!(first[..6], [rules.fastest; 6]);
        assert!(first[6] > rules.fastest && first.is_sorted());
        assert_eq!(first[19], rules.slowest);
        assert_eq!(pace.after(Grade::Near, Standing::Pass, false, 8), rules.fastest);
        assert_eq!(pace.after(Grade::Clean, Standing::Pass, false, 8), rules.fastest, "for a while");
        for _ in 0..50 {
            assert_eq!(pace.after(Grade::Clean, Standing::Cut, false, 8), rules.fastest);
        }
        let busy = pace.after(Grade::Clean, Standing::Pass, false, 8);
        assert!(busy > rules.fastest && busy <= rules.slowest, "{busy:?}");
        assert_eq!(pace.after(Grade::Clean, Standing::Pass, true, 1), rules.fastest);
    }

    #[test]
    fn a_scene_changes_when_the_picture_does() {
        let (dark, light) = ([10.0; 12], [200.0; 12]);
        assert!(!is_another_scene(&dark, &[15.0; 12]));
        assert!(is_another_scene(&dark, &light));
        assert!(is_another_scene(&[], &light) && is_another_scene(&dark[..3], &light));
    }
}
