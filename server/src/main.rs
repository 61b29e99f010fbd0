//! The program `air`.

fn main() -> std::process::ExitCode {
    air_server::main()
}
