//! Pictures: decoded in lazaret-media, a child that alone links the decoders.
