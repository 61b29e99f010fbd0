//! placeholder while the interpreter is written
