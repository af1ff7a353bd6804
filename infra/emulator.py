"""The emulator behind the strict layer. `infra/stack/emulator.py` runs it; people do not."""

from stack.strict.program import main

if __name__ == "__main__":
    main()
