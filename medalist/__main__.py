"""`python -m medalist`: the command line."""

from medalist.agent.cli.start import main

if __name__ == "__main__":
    main()
