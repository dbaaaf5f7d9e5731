"""A maxout network (Goodfellow et al. 2013): each unit is the largest of several linear functions."""

import torch
from torch import nn

from autonas.networks import TabularInput


class Maxout(nn.Module):
    def __init__(self, n_in, n_out, n_pieces):
        super().__init__()
        self.linear = nn.Linear(n_in, n_out * n_pieces)
        self.n_pieces = n_pieces

    def forward(self, x):
        return self.linear(x).unflatten(1, (-1, self.n_pieces)).amax(dim=2)


class MaxoutNetwork(nn.Module):
    def __init__(self, configuration, input_spec, output_spec):
        super().__init__()
        # Turns the columns into one vector a row: categories, numeric embeddings, as the configuration says.
        self.front = TabularInput(configuration, input_spec)
        layers, n_in = [], self.front.width
        for _ in range(configuration["n_layers"]):
            layers.append(Maxout(n_in, configuration["width"], configuration["n_pieces"]))
            n_in = configuration["width"]
        self.layers = nn.Sequential(*layers, nn.Linear(n_in, output_spec.n_outputs))

    def forward(self, numeric: torch.Tensor, categorical: torch.Tensor) -> torch.Tensor:
        return self.layers(self.front(numeric, categorical))


def build(configuration, input_spec, output_spec):
    return MaxoutNetwork(configuration, input_spec, output_spec)
