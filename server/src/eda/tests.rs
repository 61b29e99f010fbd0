//! Requests and answers, against a server that answers what it is told to.
