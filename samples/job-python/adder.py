"""A job: a class whose `perform` answers calls."""

import cowsay


class Adder:
    def perform(self, numbers: list) -> float:
        """Add numbers"""
        return sum(numbers)

    def about(self) -> str:
        """Say what this is"""
        return cowsay.get_output_string("cow", "I add")

    def auxiliary_endpoints(self):
        return {"/about": self.about}

    def docs_input_example(self):
        return {"numbers": [40, 2]}
