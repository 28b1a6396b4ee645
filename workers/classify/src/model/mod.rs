//! One model on one thread: proven bytes, a session, and pixels to scores.

mod input;
mod output;
mod parts;
mod session;

use crate::answer::Answer;
use crate::manifest::Manifest;
use lazaret_report::{Unavailable, Why};
use ort::session::Session;
use ort::value::TensorRef;
use sha2::{Digest, Sha256};

pub(crate) struct Model {
    manifest: Manifest,
    session: Session,
    /// The name of the output that is read.
    output: String,
}

impl Model {
    /// Reads the file once, checks its SHA-256, builds the session from those very bytes and runs it on a black
    /// picture, so that a model which cannot answer is known before the first upload.
    pub(crate) fn load(manifest: &Manifest) -> Result<Self, Unavailable> {
        let unavailable = |why: String| Unavailable::new(&manifest.name, why);
        let path = manifest.model_path();
        let bytes = std::fs::read(&path).map_err(|error| {
            let error = error.to_string().to_lowercase();
            unavailable(format!("{}: {error}; run scripts/setup.sh", path.display()))
        })?;
        let found = hex(&Sha256::digest(&bytes));
        if found != manifest.sha256 {
            let expected = &manifest.sha256;
            let path = path.display();
            return Err(unavailable(format!(
                "{path} has SHA-256 {found}, but its manifest says {expected}; run scripts/setup.sh"
            )));
        }
        let session = session::build(&bytes)
            .map_err(|error| unavailable(format!("{} is not a usable model: {error}", path.display())))?;
        let output = session::output_name(&session, manifest).map_err(unavailable)?;
        let mut model = Self { manifest: manifest.clone(), session, output };
        let black = vec![0.0; input::values(&manifest.input)];
        model.score(black).map_err(|why| {
            unavailable(format!("{} does not do what its manifest says: {why}", path.display()))
        })?;
        Ok(model)
    }

    /// `pixels`: RGB, 0 to 255, row by row, of the manifest's size.
    pub(crate) fn score(&mut self, pixels: Vec<f32>) -> Result<Answer, Why> {
        let input = &self.manifest.input;
        let prepared = input::prepare(input, pixels)?;
        let refused = |error: ort::Error| Why::new("model.run", one_line(&error.to_string()));
        let tensor = TensorRef::from_array_view((input::shape(input), &*prepared)).map_err(refused)?;
        let outputs = self.session.run(ort::inputs![tensor]).map_err(refused)?;
        let missing = |what: &str| Why::new("model.output", format!("the output `{}` {what}", self.output));
        let value = outputs.get(&self.output).ok_or_else(|| missing("is missing"))?;
        let (shape, values) =
            value.try_extract_tensor::<f32>().map_err(|_| missing("is not a tensor of float32"))?;
        output::answer(&self.manifest.output, &self.manifest.input, shape, values)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
