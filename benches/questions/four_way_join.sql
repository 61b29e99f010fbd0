select c.segment as segment, p.category as category, date_trunc('month', o.ordered_at) as month,
       sum(i.qty * i.unit_price) as sold, count(*) as lines,
       sum(case when i.qty > 10 then 1 else 0 end) as large,
       sum(case when i.qty > 10 then 1.0 else 0.0 end) / count(*) as share
from order_items i left join orders o on i.order_id = o.id left join customers c on o.customer_id = c.id
     left join products p on i.product_id = p.id
where o.ordered_at >= timestamp '2024-01-01 00:00:00' and o.ordered_at < timestamp '2025-01-01 00:00:00'
  and p.category <> 'toys'
group by c.segment, p.category, date_trunc('month', o.ordered_at)
having count(*) > 5
order by sold desc, segment, category, month
limit 100
