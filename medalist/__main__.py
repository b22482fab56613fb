"""`python -m medalist`: the command line."""

from medalist.agent.cli.main import main

if __name__ == "__main__":
    main()
