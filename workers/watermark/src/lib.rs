//! Marks on pictures and the strip of their metadata.
