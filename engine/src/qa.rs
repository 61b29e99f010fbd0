//! placeholder while the checks are written
