package dev.gossamer.it;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The strongly connected components of a graph, by Tarjan's algorithm: sets of nodes of which each reaches each. Only
 * those of two nodes or more are given, because a node alone is in no cycle.
 */
final class Knots {
    private final Map<String, Set<String>> graph;
    private final Map<String, Integer> order = new HashMap<>();
    private final Map<String, Integer> lowest = new HashMap<>();
    private final Deque<String> open = new ArrayDeque<>();
    private final List<Set<String>> knots = new ArrayList<>();

    private Knots(Map<String, Set<String>> graph) {
        this.graph = graph;
    }

    /** Knots of the graph, given as each node's successors; the largest comes first. */
    static List<Set<String>> of(Map<String, Set<String>> graph) {
        Knots search = new Knots(graph);
        new TreeSet<>(graph.keySet()).forEach(node -> {
            if (!search.order.containsKey(node)) {
                search.visit(node);
            }
        });
        search.knots.sort(
                Comparator.comparingInt((Set<String> knot) -> knot.size()).reversed());
        return search.knots;
    }

    private void visit(String node) {
        int number = order.size();
        order.put(node, number);
        lowest.put(node, number);
        open.push(node);
        for (String next : graph.getOrDefault(node, Set.of())) {
            if (!order.containsKey(next)) {
                visit(next);
                lowest.merge(node, lowest.get(next), Math::min);
            } else if (open.contains(next)) {
                lowest.merge(node, order.get(next), Math::min);
            }
        }
        if (lowest.get(node) == number) {
            close(node);
        }
    }

    /** All that was opened since {@code first} is one component. */
    private void close(String first) {
        Set<String> knot = new TreeSet<>();
        String node;
        do {
            node = open.pop();
            knot.add(node);
        } while (!node.equals(first));
        if (knot.size() > 1) {
            knots.add(knot);
        }
    }
}
