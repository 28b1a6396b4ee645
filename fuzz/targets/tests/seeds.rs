//! The fuzz targets hold on their seeds and on mutants of these, and libFuzzer has each of them.

use lazaret_fixtures::mutate::Mutator;
use lazaret_fuzz_targets::TARGETS;
use std::{env, fs, path::Path, thread};

/// Of each seed. Enough to show that a target works; `make fuzz` is what looks for trouble.
const MUTANTS: u64 = 40;

#[test]
fn every_target_holds_on_its_seeds_and_on_mutants_of_them() {
    let mutants = env::var("FUZZ_MUTANTS").map_or(MUTANTS, |text| text.parse().unwrap());
    let mut broken = Vec::new();
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(seeds.len() > 2, "{} has {} seeds", target.name, seeds.len());
        // A thread by the target's name, so that a panic tells which it was.
        let replay = move || {
            for (n, seed) in seeds.iter().enumerate() {
                (target.run)(seed);
                let other = &seeds[(n + 1) % seeds.len()];
                for mutant in 0..mutants {
                    (target.run)(&Mutator::nth(n as u64, mutant).mutate(seed, other));
                }
            }
            (target.run)(b"");
        };
        let replayed = thread::Builder::new().name(target.name.to_owned()).spawn(replay).unwrap().join();
        broken.extend(replayed.is_err().then_some(target.name));
    }
    assert_eq!(broken, Vec::<&str>::new());
}

#[test]
fn libfuzzer_has_every_target_and_no_other() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let manifest: toml::Table = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap().parse().unwrap();
    let bins = manifest["bin"].as_array().unwrap();
    let named: Vec<&str> = bins.iter().map(|bin| bin["name"].as_str().unwrap()).collect();
    let targets: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(named, targets);
    for name in targets {
        let body = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(body.contains(&format!("lazaret_fuzz_targets::{name}::run(data)")), "{name}");
    }
}
