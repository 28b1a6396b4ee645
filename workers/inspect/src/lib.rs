//! What a file really is: magic bytes, content model, container structure.
