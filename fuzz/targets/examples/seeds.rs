//! Writes every target's seeds: `cargo run --example seeds FOLDER`, or only their names: `--names`.

use lazaret_fuzz_targets::TARGETS;
use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    let Some(argument) = env::args().nth(1) else {
        return Err(io::Error::other("usage: seeds FOLDER | --names"));
    };
    for target in TARGETS {
        if argument == "--names" {
            println!("{}", target.name);
            continue;
        }
        let folder = Path::new(&argument).join(target.name);
        fs::create_dir_all(&folder)?;
        for (n, seed) in (target.seeds)().iter().enumerate() {
            fs::write(folder.join(format!("seed-{n:02}")), seed)?;
        }
    }
    Ok(())
}
