"""`python -m worker` is `flotilla`."""

from worker.cli import main

if __name__ == "__main__":
    main()
