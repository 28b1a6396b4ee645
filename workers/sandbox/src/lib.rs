//! The pool of killable children, their limits and the protocol with them.
